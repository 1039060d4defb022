import Glibc

/// What lies in a run's folder: copies, finished or not, and what was set aside.
///
/// Looked through before anything is removed: whatever else is found is refused.
struct CopyFolder {
    /// A copy in the making, and one that is being replaced.
    static func unfinished(_ copy: String) -> String { "." + copy + ".new" }
    static func replaced(_ copy: String) -> String { "." + copy + ".old" }
    static func setAsideName(_ number: Int) -> String { "set-aside-\(number)" }

    private static let epochFiles = ["currentEpoch", "acceptedEpoch"]
    static let smallFiles = Set(epochFiles + epochFiles.map { $0 + ".tmp" })

    let setAside: [String]
    private let folder: OpenDirectory
    private let copies: [(place: FilePlace, directory: OpenDirectory, files: [String])]

    init(_ folder: OpenDirectory, copy: String) throws(FileError) {
        self.folder = folder
        let known = [copy, Self.unfinished(copy), Self.replaced(copy)]
        let names = try folder.names()
        setAside = names.filter { Self.number(of: $0) != nil }
        var copies: [(FilePlace, OpenDirectory, [String])] = []
        for name in names where Self.number(of: name) == nil {
            let place = FilePlace(folder, name)
            guard known.contains(name) else {
                throw RunFolder.refusal(place.path, "is nothing that was kept")
            }
            copies.append(try Self.examine(place))
        }
        self.copies = copies
    }

    private static func examine(_ place: FilePlace) throws(FileError) -> (FilePlace, OpenDirectory, [String])
    {
        let directory: OpenDirectory
        do throws(FileError) {
            directory = try OpenDirectory(place)
        } catch .unavailable(_, _, code: ELOOP), .unavailable(_, _, code: ENOTDIR) {
            throw RunFolder.refusal(place.path, "is no directory")
        } catch {
            throw error
        }
        let names = try directory.names()
        for name in names {
            let file = FilePlace(directory, name)
            let mode = try file.attributes()?.st_mode ?? S_IFREG
            guard mode & S_IFMT == S_IFREG,
                smallFiles.contains(name) || DataFile(name: name, in: directory.path) != nil
            else { throw RunFolder.refusal(file.path, "is nothing that was kept") }
        }
        return (place, directory, names)
    }

    /// Gives the number of files.
    func removeCopies() throws(FileError) -> Int {
        var removed = 0
        for copy in copies {
            for name in copy.files { try FilePlace(copy.directory, name).remove() }
            try copy.place.removeDirectory()
            removed += copy.files.count
        }
        try folder.synchronize()
        return removed
    }

    /// Removes one copy, if it exists.
    static func remove(_ name: String, in folder: OpenDirectory) throws(FileError) {
        let place = FilePlace(folder, name)
        guard try place.identity() != nil else { return }
        let (_, directory, names) = try examine(place)
        for name in names { try FilePlace(directory, name).remove() }
        try place.removeDirectory()
    }

    static func numbers(_ folder: OpenDirectory) throws(FileError) -> [Int] {
        try folder.names().compactMap { number(of: $0) }
    }

    private static func number(of name: String) -> Int? {
        let prefix = "set-aside-"
        // Whoever owns the directory can make a folder of any name: one above it must still be a number.
        guard name.hasPrefix(prefix), let number = Int(name.dropFirst(prefix.count)), number > 0,
            number < .max,
            setAsideName(number) == name
        else { return nil }
        return number
    }
}
