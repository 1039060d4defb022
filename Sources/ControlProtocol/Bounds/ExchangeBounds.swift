// The bounds of what is asked of an agent and of what it answers.

extension LeaseRequest: Bounded {
    package func check() throws(OutOfBounds) {
        try check("lease", lease)
        try check("secondsToLive", secondsToLive, Bound.patience)
        try check("place", place)
    }
}

extension RunPlace: Bounded {
    package func check() throws(OutOfBounds) {
        try check("since", since, Bound.time)
        try check("window", window, Bound.span)
    }
}

extension CommandRequest: Bounded {
    package func check() throws(OutOfBounds) {
        try check("lease", lease)
        try check("command", command)
    }
}

extension Command: Bounded {
    package func check() throws(OutOfBounds) {
        switch self {
        case .installWall(let wall, let holding, let lapse):
            try check("installWall.wall", wall)
            try check("installWall.holding", elementsOf: holding)
            try check("installWall.lapse", lapse)
        case .sever(let wall): try check("sever.wall", wall)
        case .pilotWall(let wall): try check("pilotWall.wall", wall)
        case .service(let request): try check("service.request", request)
        case .detach(let request): try check("detach.request", request)
        case .removeHandMadeRules(let request): try check("removeHandMadeRules.request", request)
        case .removeWall, .writeFile, .restoreFile, .discardCopy, .setAside, .keepOrder: break
        }
    }
}

extension ServiceRequest: Bounded {
    package func check() throws(OutOfBounds) { try check("replacing", replacing, Bound.processID) }
}

extension DetachRequest: Bounded {
    package func check() throws(OutOfBounds) {
        try check("pid", pid, Bound.processID)
        try check("wall", wall)
        try check("seconds", seconds, Bound.patience)
        try check("lapse", lapse)
    }
}

extension CommandEvent: Bounded {
    package func check() throws(OutOfBounds) {
        switch self {
        case .accepted: break
        case .progress(_, let milliseconds): try check("progress.milliseconds", milliseconds, Bound.span)
        case .finished(let outcome): try check("finished.outcome", outcome)
        }
    }
}

extension CommandOutcome: Bounded {
    package func check() throws(OutOfBounds) {
        switch self {
        case .done(let result): try check("done.result", result)
        case .refused(let refusal): try check("refused.refusal", refusal)
        case .failed: break
        }
    }
}

extension CommandResult: Bounded {
    package func check() throws(OutOfBounds) {
        switch self {
        case .rules(let rules): try check("rules.rules", rules)
        case .file(let file): try check("file.file", file)
        case .service(let report): try check("service.report", report)
        case .detached(let report): try check("detached.report", report)
        case .handMade(let report): try check("handMade.report", report)
        case .order(let order): try check("order.order", order)
        case .data: break
        case .piloted(let report): try check("piloted.report", report)
        }
    }
}

extension PilotReport: Bounded {
    package func check() throws(OutOfBounds) {
        try check("rules", rules, Bound.count)
        try check("upMilliseconds", upMilliseconds, Bound.span)
        try check("downMilliseconds", downMilliseconds, Bound.span)
        try check("interference", elementsOf: interference)
    }
}

extension Refusal: Bounded {
    package func check() throws(OutOfBounds) {
        switch self {
        case .superseded(let highest): try check("superseded.highest", highest)
        case .leaseHeld(let state): try check("leaseHeld.state", state)
        case .epochTooFar(let highest): try check("epochTooFar.highest", highest)
        case .noLease, .notAllowed, .fileChanged, .idReused, .invalid: break
        }
    }
}

extension ServiceReport: Bounded {
    package func check() throws(OutOfBounds) {
        try check("oldPID", oldPID, Bound.processID)
        try check("newPID", newPID, Bound.processID)
        try check("stopMilliseconds", stopMilliseconds, Bound.span)
        try check("startMilliseconds", startMilliseconds, Bound.span)
    }
}

extension DetachReport: Bounded {
    package func check() throws(OutOfBounds) {
        try check("pid", pid, Bound.processID)
        try check("data", data)
        try check("rules", rules)
        try check("phases", each: phases)
    }
}

extension DetachReport.Phase: Bounded {
    package func check() throws(OutOfBounds) { try check("milliseconds", milliseconds, Bound.span) }
}

extension FileReadRequest: Bounded {
    package func check() throws(OutOfBounds) {}
}

extension FileContent: Bounded {
    package func check() throws(OutOfBounds) { try check("state", state) }
}

extension RulesPreviewRequest: Bounded {
    package func check() throws(OutOfBounds) { try check("wall", wall) }
}

extension RulesPreview: Bounded {
    package func check() throws(OutOfBounds) {}
}

extension ProbeRequest: Bounded {
    package func check() throws(OutOfBounds) { try check("targets", elementsOf: targets) }
}

extension ProbeReply: Bounded {
    package func check() throws(OutOfBounds) { try check("results", elementsOf: results) }
}

extension HistoryRequest: Bounded {
    package func check() throws(OutOfBounds) { try check("zxids", elementsOf: zxids) }
}

extension HistoryReply: Bounded {
    package func check() throws(OutOfBounds) { try check("results", elementsOf: results) }
}

extension ParserRequest: Bounded {
    package func check() throws(OutOfBounds) { try check("contents", elementsOf: contents) }
}

extension ParserReply: Bounded {
    package func check() throws(OutOfBounds) { try check("refusals", elementsOf: refusals) }
}

extension ErrorReply: Bounded {
    package func check() throws(OutOfBounds) { try check("refusal", refusal) }
}
