/// Files of the source tree, from where this one was compiled.
enum Repository {
    static func path(_ relative: String) -> String {
        let parts = #filePath.split(separator: "/").dropLast(4)
        return "/" + parts.joined(separator: "/") + "/" + relative
    }
}
