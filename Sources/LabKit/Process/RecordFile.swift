internal import FoundationEssentials
internal import SystemCalls

/// A small JSON file, replaced whole.
package enum RecordFile {
    /// Nil when there is no such file; an unreadable one is an error, never taken as absent.
    package static func read<Value: Decodable>(_ type: Value.Type, at path: String) throws(LabError) -> Value?
    {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            return try JSONDecoder().decode(type, from: Data(contentsOf: URL(filePath: path)))
        } catch {
            throw .file(path: path, reason: "cannot be read: \(error)")
        }
    }

    package static func write(_ value: some Encodable, at path: String) throws(LabError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            try encoder.encode(value).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw .file(path: path, reason: "cannot be written: \(error)")
        }
    }
}

extension RecordFile {
    /// The same for what is its owner's alone.
    package static func writePrivate(_ value: some Encodable, at path: String) throws(LabError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            try DurableFile.replace(path, with: Array(try encoder.encode(value)), mode: 0o600)
        } catch {
            throw .file(path: path, reason: "cannot be written: \(error)")
        }
    }
}

/// Plain files and folders of a lab.
package enum Folder {
    package static func make(_ path: String) throws(LabError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw .file(path: path, reason: "cannot be made: \(error)")
        }
    }

    package static func remove(_ path: String) throws(LabError) {
        guard FileManager.default.fileExists(atPath: path) else { return }
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            throw .file(path: path, reason: "cannot be removed: \(error)")
        }
    }

    package static func entries(_ path: String) throws(LabError) -> [String] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        } catch {
            throw .file(path: path, reason: "cannot be listed: \(error)")
        }
    }

    package static func write(_ text: String, to path: String) throws(LabError) {
        do {
            try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw .file(path: path, reason: "cannot be written: \(error)")
        }
    }

    package static func read(_ path: String) throws(LabError) -> String {
        do {
            return String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        } catch {
            throw .file(path: path, reason: "cannot be read: \(error)")
        }
    }
}
