import ControlProtocol
import Procedure
import Topology

/// What has changed between two boards, in whole lines for who has no terminal.
package struct LiveChanges: Sendable {
    package let lines: [String]

    package init(from old: LiveBoard, to new: LiveBoard) {
        var lines: [String] = []
        if new.run != old.run, let run = new.run { lines.append("run \(run)") }
        if new.step != old.step, let step = new.step, step.title != old.step?.title {
            let stage = new.stages.first { if case .present = $0.progress { true } else { false } }
            lines.append("\(stage?.name.rawValue ?? "-"): \(step.title)")
        }
        switch (old.window.openedAt, new.window.openedAt, old.window.closedAt, new.window.closedAt) {
        case (nil, .some, _, _): lines.append("the window is open")
        case (_, .some(let opened), nil, .some(let closed)):
            lines.append("the window is over after \(LiveTime.tenths(closed.minus(saturating: opened)))")
        case _: break
        }
        for host in new.groups.flatMap(\.hosts) {
            let (before, now) = (LiveHost(host, old.answers[host]), LiveHost(host, new.answers[host]))
            if before.condition.word != now.condition.word {
                lines.append("\(host): \(before.condition.word) -> \(now.condition.word)")
            }
            if let rules = now.rules, let earlier = before.rules, rules != earlier {
                lines.append("\(host): \(earlier) -> \(rules) rules")
            }
        }
        let told = new.warnings.count - old.warnings.count
        if told > 0 { lines += new.warnings.suffix(told).map { "!! \($0)" } }
        if new.ending != old.ending, let ending = new.ending { lines.append("ended: \(ending)") }
        self.lines = lines
    }
}
