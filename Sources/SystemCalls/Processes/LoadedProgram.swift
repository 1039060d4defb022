private import Glibc

/// The program that runs, as the loader has mapped it.
package enum LoadedProgram {
    /// Lets go of the pages of the program's own file that its start alone needed: relocations, above all.
    ///
    /// They are the beginning of the file, mapped for reading only, so that memory holds what the file does: what is needed
    /// again is read again. Repeating it is harmless; where the file begins otherwise, and where the kernel refuses,
    /// everything stays as it was.
    package static func letGoOfStartPages() {
        // What was mapped for writing, relocated and then protected would be lost: it never begins the file.
        guard let line = KernelText.read("/proc/self/maps")?.split(separator: "\n").first else { return }
        let fields = line.split(separator: " ", omittingEmptySubsequences: true)
        guard fields.count >= 6, fields[1] == "r--p", fields[2].allSatisfy({ $0 == "0" }) else { return }
        let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        guard ends.count == 2, ends[0] < ends[1], let start = UnsafeMutableRawPointer(bitPattern: ends[0])
        else {
            return
        }
        _ = madvise(start, Int(ends[1] - ends[0]), MADV_DONTNEED)
    }
}
