/// Files of the source tree, from where this one was compiled.
enum Repository {
    static func path(_ relative: String, of file: String = #filePath) -> String {
        let parts = file.split(separator: "/").dropLast(4)
        return "/" + parts.joined(separator: "/") + "/" + relative
    }
}
