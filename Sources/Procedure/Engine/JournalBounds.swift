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

extension WindowPrediction: Bounded {
    package func check() throws(OutOfBounds) {
        try check("start", start, Bound.span)
        try check("megabytes", megabytes, Bound.count)
        try check("limit", limit, Bound.span)
        for (client, session) in sessions { try check("sessions.\(client)", session, Bound.span) }
        try check("more", more, Bound.count)
        try check("untold", elementsOf: untold)
    }
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
        for (host, start) in starts {
            try check("starts.\(host).pid", start.pid, Bound.processID)
            try check("starts.\(host).milliseconds", start.milliseconds, Bound.span)
        }
        for (title, pid) in shortLists { try check("shortLists.\(title)", pid, Bound.processID) }
        try check("restartedBatch.clients", elementsOf: restartedBatch?.clients)
        for (place, sessions) in restartedBatch?.sessions ?? [:] {
            try check("restartedBatch.sessions.\(place)", elementsOf: sessions)
        }
        try check("wrongSide", elementsOf: wrongSide)
        try check("windowOpenedAt", windowOpenedAt, Bound.time)
        try check("windowClosedAt", windowClosedAt, Bound.time)
        try check("window", window)
        for (step, proof) in proofs {
            try check("proofs.\(step).at", proof.at, Bound.time)
            try check("proofs.\(step).details", elementsOf: proof.answer.details)
            for (server, latency) in proof.answer.latencies ?? [:] {
                try check("proofs.\(step).latencies.\(server)", latency, Bound.span)
            }
        }
    }
}
