import SystemCalls

/// The JVM behind what a supervisor names: a shell or another wrapper may stand around it.
enum JavaProcess {
    /// As the kernel links to it: a JDK that was upgraded under a running server is still one.
    static func isJava(program: String) -> Bool { named(program).split(separator: "/").last == "java" }

    /// Without the kernel's mark on what was replaced since.
    static func named(_ program: String) -> Substring {
        let mark = " (deleted)"
        return program.hasSuffix(mark) ? program.dropLast(mark.count) : program[...]
    }

    static func isJava(_ pid: Int32) -> Bool {
        KernelLink.target(of: "/proc/\(pid)/exe").map(isJava(program:)) ?? false
    }

    /// The only JVM among `pid` and its descendants; `pid` itself when there is none, or more than one.
    static func within(_ pid: Int32) -> Int32 {
        guard !isJava(pid) else { return pid }
        let children = ProcessList.children()
        var generation = [pid]
        var found: [Int32] = []
        // A process can be born while the others are read, so that the list need not be a tree.
        for _ in 0..<8 {
            generation = generation.flatMap { children[$0] ?? [] }
            found += generation.filter { isJava($0) }
            generation.removeAll { isJava($0) }
        }
        return found.count == 1 ? found[0] : pid
    }

    /// The only JVM of a unit's control group, where systemd knows no main process; nil when there is none, or more than one.
    static func inControlGroup(_ group: Substring, root: String = "/sys/fs/cgroup") -> Int32? {
        for hierarchy in ["", "/systemd"] {
            guard let list = KernelText.read("\(root)\(hierarchy)\(group)/cgroup.procs") else { continue }
            let found = list.split(separator: "\n").compactMap { Int32($0) }.filter { isJava($0) }
            return found.count == 1 ? found[0] : nil
        }
        return nil
    }
}
