package import ControlProtocol
import Fleet
import Topology

// The bounds of what a run's journal holds.

extension StepVerdict: Bounded {
    package func check() throws(OutOfBounds) {}
}

extension Survey: Bounded {
    package func check() throws(OutOfBounds) {}
}

extension RunFacts: Bounded {
    package func check() throws(OutOfBounds) {
        for (host, node) in detached {
            try check("detached.\(host).pid", node.pid, Bound.processID)
            try check("detached.\(host).end.epoch", node.end.epoch, Bound.serverEpoch)
        }
        for (host, node) in untouched {
            try check("untouched.\(host).pid", node.pid, Bound.processID)
            try check("untouched.\(host).startedAt", node.startedAt, Bound.time)
        }
        for (step, proof) in proofs {
            try check("proofs.\(step).at", proof.at, Bound.time)
            try check("proofs.\(step).details", elementsOf: proof.answer.details)
        }
    }
}
