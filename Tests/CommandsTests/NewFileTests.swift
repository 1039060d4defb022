import FoundationEssentials
import SystemCalls
import TestSupport
import Testing

@testable import Commands

@Suite("A file that was not there")
struct NewFileTests {
    @Test("what could not be written whole is removed; what was there already is left as it is")
    func cutOff() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/plan.yaml"
        let failing: ([UInt8], Int32) throws(SystemCallError) -> Void = {
            bytes,
            descriptor throws(SystemCallError) in
            try DescriptorOutput.write(Array(bytes.prefix(3)), to: descriptor)
            throw SystemCallError(call: "write", code: 28)
        }
        do {
            try NewFile.write("version: 1\n", to: path, by: failing)
            Issue.record("it was taken for written")
        } catch {
            #expect("\(error)".hasPrefix("\(path): cannot be written: "), "\(error)")
        }
        #expect(!FileManager.default.fileExists(atPath: path))
        try NewFile.write("version: 1\n", to: path)
        #expect(throws: Complaint.self) { try NewFile.write("other\n", to: path, by: failing) }
        #expect(try String(decoding: Data(contentsOf: URL(filePath: path)), as: UTF8.self) == "version: 1\n")
    }
}
