import Foundation
import TestSupport
import Testing

@testable import Topology

@Suite("Properties as Java reads them")
struct PropertiesOracleTests {
    private static let source = """
        import java.io.*;
        import java.util.*;

        class Oracle {
            static void tell(DataOutputStream out, String text) throws IOException {
                out.writeInt(text.length());
                out.writeChars(text);
            }

            public static void main(String[] arguments) throws IOException {
                var in = new DataInputStream(new BufferedInputStream(new FileInputStream(arguments[0])));
                var out = new DataOutputStream(new BufferedOutputStream(new FileOutputStream(arguments[1])));
                while (true) {
                    int count;
                    try { count = in.readInt(); } catch (EOFException end) { break; }
                    var bytes = new byte[count];
                    in.readFully(bytes);
                    var properties = new Properties();
                    try {
                        properties.load(new ByteArrayInputStream(bytes));
                    } catch (IllegalArgumentException malformed) {
                        out.writeByte(1);
                        continue;
                    }
                    out.writeByte(0);
                    out.writeInt(properties.size());
                    for (var entry : properties.entrySet()) {
                        tell(out, (String) entry.getKey());
                        tell(out, (String) entry.getValue());
                    }
                }
                out.close();
            }
        }
        """

    /// What files are made of, and the part that each piece plays.
    private static let pieces: [(feature: String, text: [String])] = [
        ("words", ["a", "clientPort", "server.1", "10.0.0.1", "2888", "x y", "/var/lib"]),
        ("separators", ["=", ":", " ", "\t", "\u{0C}", " = ", "\t:\t", "==", ": ="]),
        ("line ends", ["\n", "\r\n", "\r", "\n\n", "\r\r\n"]),
        ("continuations", ["\\\n", "\\\r\n", "\\\r", "\\\n\t ", "\\\\\n", "\\\\\\\n"]),
        ("comments", ["\n#", "\n!", "\n  # ", "#", "!", "\n#\\\n"]),
        ("letter escapes", ["\\t", "\\n", "\\f", "\\r"]),
        ("plain escapes", ["\\:", "\\=", "\\ ", "\\#", "\\!", "\\q", "\\\\", "\\\u{0}"]),
        ("numbers of characters", ["\\u0041", "\\u00e9", "\\u003D", "\\u000a", "\\uFFFF", "\\u0301"]),
        ("broken numbers", ["\\u12", "\\u12g4", "\\uu0041"]),
        ("surrogates", ["\\ud83d\\ude00", "\\ud800"]),
        ("blanks that are none", ["\u{A0}", "\u{85}", "\u{0B}", "\u{0}", "\u{1F}"]),
    ]
    private static let latin: [UInt8] = [0xE9, 0xFF, 0xC3, 0xA9, 0x80]
    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    @Test(
        "ten thousand generated files read the same, key for key",
        .enabled(if: JavaOracle.isExpected, "needs openjdk-17-jdk-headless")
    )
    func generated() throws {
        var random = SplitMix64(seed: 20_250_117)
        var counts: [String: Int] = [:]
        var files: [[UInt8]] = []
        for _ in 0..<10_000 {
            var file: [UInt8] = []
            var features: Set<String> = []
            if Int.random(in: 0..<10, using: &random) == 0 {
                file = Self.mark
                features.insert("byte order marks")
            }
            for _ in 0..<Int.random(in: 1...24, using: &random) {
                let kind = Int.random(in: 0...(Self.pieces.count + 6), using: &random)
                switch kind {
                case ..<Self.pieces.count:
                    let piece = Self.pieces[kind]
                    // A broken escape makes the whole file unreadable.
                    if piece.feature == "broken numbers", Int.random(in: 0..<6, using: &random) > 0 {
                        continue
                    }
                    file += (piece.text.randomElement(using: &random) ?? "").unicodeScalars
                        .map { UInt8(truncatingIfNeeded: $0.value) }
                    features.insert(piece.feature)
                case Self.pieces.count:
                    file.append(Self.latin.randomElement(using: &random) ?? 0xE9)
                    features.insert("bytes that are not ASCII")
                default: file += Array("abc=1\n".utf8.prefix(Int.random(in: 1...6, using: &random)))
                }
            }
            for feature in features { counts[feature, default: 0] += 1 }
            files.append(file)
        }
        var answer = try JavaOracle(source: Self.source).answer(
            to: files.reduce(into: Data()) { $0 += JavaOracle.framed($1) }
        )
        var (read, refused, dangling, repeated) = (0, 0, 0, 0)
        for file in files {
            let java = try Self.settings(&answer)
            do throws(ZooConfigurationError) {
                let text = try PropertiesText(file)
                #expect(text.elements.flatMap(\.bytes) == file)
                var ours: [String: String] = [:]
                for element in text.elements {
                    guard case .setting(let key, let value) = element.content else { continue }
                    if ours.updateValue(value, forKey: key) != nil { repeated += 1 }
                }
                read += 1
                #expect(ours == java, "\(String(decoding: file, as: UTF8.self).debugDescription)")
            } catch {
                // A backslash as the last byte: Java 8 and Java 17 read two things.
                if case .danglingContinuation = error { dangling += 1 } else { refused += 1 }
                if case .malformedEscape = error {
                    #expect(java == nil, "\(String(decoding: file, as: UTF8.self).debugDescription)")
                }
            }
        }
        print(
            "read \(read), refused \(refused) as Java, \(dangling) for their end; keys again \(repeated); \(counts)"
        )
        #expect(counts.count == Self.pieces.count + 2 && counts.values.allSatisfy { $0 >= 300 }, "\(counts)")
        #expect(read > 7000 && refused > 100 && dangling > 20 && repeated > 500)
    }

    /// Nil for a file that Java refuses.
    private static func settings(_ answer: inout JavaOracle.Answer) throws -> [String: String]? {
        guard try answer.byte() == 0 else { return nil }
        var settings: [String: String] = [:]
        for _ in 0..<(try answer.number()) {
            let key = try answer.text()
            settings[key] = try answer.text()
        }
        return settings
    }
}
