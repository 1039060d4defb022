import Glibc
import Reporting
import SystemCalls

/// Where a report is written: a new file, or one in the place of an earlier report.
struct ReportFile {
    let path: String

    /// The old content or the new is there whatever happens; its owner's alone, as the journal is.
    func write(_ page: String, force: Bool) throws {
        if !force { try checkNothingElse() }
        do throws(SystemCallError) {
            try DurableFile.replace(path, with: Array(page.utf8))
        } catch {
            throw Complaint("\(path): cannot be written: \(error.reason)")
        }
    }

    /// What is no report is not replaced by one.
    func checkNothingElse() throws {
        var found = stat()
        guard lstat(path, &found) == 0 else { return }
        let start: [UInt8]
        do throws(SystemCallError) {
            let descriptor = try PlainFile.open(path, O_RDONLY)
            defer { close(descriptor) }
            var bytes = [UInt8](repeating: 0, count: ReportPage.beginning.utf8.count)
            let count = read(descriptor, &bytes, bytes.count)
            start = Array(bytes.prefix(max(0, count)))
        } catch {
            throw Complaint(
                "\(path): is there and is no plain file: \(error.reason); name another, or give --force"
            )
        }
        guard start == Array(ReportPage.beginning.utf8) else {
            throw Complaint(
                "\(path): is there and is no report of mitosis; name another file, or give --force"
            )
        }
    }
}
