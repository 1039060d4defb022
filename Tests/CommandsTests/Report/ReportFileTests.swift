import FoundationEssentials
import Glibc
import Reporting
import TestSupport
import Testing

@testable import Commands

@Suite("The file of a report")
struct ReportFileTests {
    private let page = ReportPage.beginning + "\nnew"

    private func content(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }

    @Test("a new file and an earlier report are written, for its owner alone")
    func written() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/report.html"
        for page in [ReportPage.beginning + "\nold", page] {
            try ReportFile(path: path).write(page, force: false)
            #expect(try content(path) == page)
        }
        var found = stat()
        #expect(stat(path, &found) == 0 && found.st_mode & 0o777 == 0o600)
    }

    @Test(
        "what is no report stays as it is, unless it is said",
        arguments: ["notes", "", "<!DOCTYPE html>\n<html>"]
    )
    func kept(_ text: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(text, to: "notes.html")
        #expect(throws: Complaint.self) { try ReportFile(path: path).write(page, force: false) }
        #expect(try content(path) == text)
        try ReportFile(path: path).write(page, force: true)
        #expect(try content(path) == page)
    }

    @Test("a folder, a link and a folder that is not there are refused with their names")
    func refused() throws {
        let folder = try TemporaryFolder()
        let link = folder.path + "/link.html"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/etc/passwd")
        for path in [folder.path, link, folder.path + "/none/report.html"] {
            let error = #expect(throws: Complaint.self) {
                try ReportFile(path: path).write(page, force: false)
            }
            #expect(error?.description.hasPrefix("\(path): ") == true)
        }
    }
}
