import ControlProtocol

/// First come, first served, one at a time; lives inside the actor that uses it.
struct CommandQueue {
    private(set) var holder: CommandID?
    private var waiting: [(id: CommandID, resume: CheckedContinuation<Void, Never>)] = []
    private var idle: [CheckedContinuation<Void, Never>] = []

    /// True when nobody has the turn: it is the caller's then, until `give`.
    mutating func tryTake(for id: CommandID) -> Bool {
        guard holder == nil else { return false }
        holder = id
        return true
    }

    mutating func wait(_ id: CommandID, _ resume: CheckedContinuation<Void, Never>) {
        waiting.append((id, resume))
    }

    /// Resumes at once when nobody has the turn.
    mutating func waitUntilIdle(_ resume: CheckedContinuation<Void, Never>) {
        if holder == nil { resume.resume() } else { idle.append(resume) }
    }

    /// Passes the turn to the next in line.
    mutating func give() {
        guard !waiting.isEmpty else {
            holder = nil
            for resume in idle { resume.resume() }
            idle = []
            return
        }
        let next = waiting.removeFirst()
        holder = next.id
        next.resume.resume()
    }
}
