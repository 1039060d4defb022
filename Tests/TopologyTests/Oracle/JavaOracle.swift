import Foundation
import Glibc
import TestSupport
import Testing

/// A small Java program that judges many files in one start of the JVM.
///
/// Both streams are of Java's `DataInput`: big-endian numbers, texts as a count and UTF-16 units.
struct JavaOracle {
    static let isInstalled = access("/usr/bin/java", X_OK) == 0 && access("/usr/bin/javac", X_OK) == 0
    /// In CI a test that needs it fails without it; elsewhere it is skipped.
    static let isExpected = isInstalled || getenv("CI").map { String(cString: $0) } == "true"

    struct Failure: Error { let said: String }

    let source: String
    var classPath: [String] = []

    /// The answer to `input`, of which the program gets the path, and beside it that of the file to write.
    func answer(to input: Data) throws -> Answer {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let program = try folder.write(source, to: "Oracle.java")
        let (asked, answered) = (folder.path + "/input", folder.path + "/output")
        try input.write(to: URL(filePath: asked))
        let java = Process()
        java.executableURL = URL(filePath: "/usr/bin/java")
        java.arguments =
            [
                "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=off",
            ]
            + (classPath.isEmpty ? [] : ["-cp", classPath.joined(separator: ":")]) + [
                program, asked, answered,
            ]
        let said = folder.path + "/said"
        _ = try folder.write("", to: "said")
        java.standardError = try FileHandle(forWritingTo: URL(filePath: said))
        java.standardOutput = FileHandle.nullDevice
        try java.run()
        java.waitUntilExit()
        guard java.terminationStatus == 0 else {
            throw Failure(said: String(decoding: try Data(contentsOf: URL(filePath: said)), as: UTF8.self))
        }
        return Answer(bytes: [UInt8](try Data(contentsOf: URL(filePath: answered))))
    }

    /// A count and the bytes.
    static func framed(_ bytes: [UInt8]) -> Data {
        let count = UInt32(bytes.count)
        return Data((0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) }) + Data(bytes)
    }

    struct Answer {
        let bytes: [UInt8]
        var position = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func byte() throws -> UInt8 {
            guard position < bytes.count else { throw Failure(said: "the answer ends at \(position)") }
            defer { position += 1 }
            return bytes[position]
        }

        mutating func number() throws -> Int {
            try (0..<4).reduce(0) { sum, _ in sum << 8 | Int(try byte()) }
        }

        mutating func text() throws -> String {
            let units = try (0..<number()).map { _ in UInt16(try byte()) << 8 | UInt16(try byte()) }
            return String(decoding: units, as: UTF16.self)
        }
    }
}
