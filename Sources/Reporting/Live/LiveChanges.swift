import ControlProtocol
import Procedure

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
        if let over = new.window.over {
            if old.window.closedAt == nil { lines.append("the window is \(over)") }
        } else if old.window.openedAt == nil, new.window.openedAt != nil {
            lines.append("the window is open")
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
        let told = new.warned - old.warned
        if told > new.warnings.count {
            lines.append("!! \(told - new.warnings.count) warnings before the next")
        }
        lines += new.warnings.suffix(max(0, told)).map { "!! \($0)" }
        if new.ending != old.ending, let ending = new.ending { lines.append("ended: \(ending)") }
        self.lines = lines
    }
}
