import ControlProtocol
import FoundationEssentials
package import Settings
import Subprocess
import Synchronization
import SystemCalls

/// One ssh process and what is said through it; `SessionMachine` decides, this carries out.
package struct SSHSession: Sendable {
    package let host: InventoryHost
    package let program: HostProgram
    package let password: String?
    /// The ssh to call; tests have another.
    package let ssh: String
    package let limit: Duration
    /// Told of what is under way, for progress.
    package let told: @Sendable (SessionMachine.State) -> Void

    package init(
        host: InventoryHost,
        program: HostProgram,
        password: String?,
        ssh: String = "ssh",
        limit: Duration,
        told: @escaping @Sendable (SessionMachine.State) -> Void
    ) {
        self.host = host
        self.program = program
        self.password = password
        self.ssh = ssh
        self.limit = limit
        self.told = told
    }

    private static let mostErrors = 16_384

    /// Answers to the two questions that the machine does not answer itself.
    package struct Judges: Sendable {
        package let decide: @Sendable ([String]) async -> SessionDecision
        /// The certificate for a request, or why there is none.
        package let sign: @Sendable (String) async -> Result<String, SigningRefusal>

        package init(
            decide: @escaping @Sendable ([String]) async -> SessionDecision,
            sign: @escaping @Sendable (String) async -> Result<String, SigningRefusal>
        ) {
            self.decide = decide
            self.sign = sign
        }
    }

    package struct SigningRefusal: Error, Hashable, Sendable {
        package let reason: String
        package init(reason: String) { self.reason = reason }
    }

    /// What was decided last, kept for a session whose time is up.
    private final class Progress: Sendable {
        let ending = Mutex<SessionMachine.Ending?>(nil)
        let wasGreeted = Mutex(false)
        let errors = Mutex("")
    }

    /// From the connection to the end of the ssh process.
    package func run(_ judges: Judges) async -> SessionMachine.Ending {
        let progress = Progress()
        let ended = await Deadline.cancelling(after: limit) { await converse(judges, progress) }
        if let ended { return ended }
        let greeted = progress.wasGreeted.withLock { $0 }
        let late = SSHEnding(status: nil, errors: progress.errors.withLock { $0 })
        return progress.ending.withLock { $0 } ?? .broken(late, greeted: greeted)
    }

    private func converse(_ judges: Judges, _ progress: Progress) async -> SessionMachine.Ending {
        let command = SSHCommand(
            host: host,
            programSize: program.text.utf8.count,
            asksPassword: password != nil
        )
        do {
            let result = try await Subprocess.run(
                SSHCommand.executable(ssh),
                arguments: Arguments(command.arguments),
                platformOptions: SSHCommand.platformOptions,
                input: .inputWriter,
                output: .sequence,
                error: .sequence
            ) { execution in
                let intake = SessionIntake()
                let output = execution.standardOutput
                let diagnostics = execution.standardError
                let input = execution.standardInputWriter
                async let isWhole = Self.readLines(output, into: intake)
                async let complained: Void = Self.readErrors(diagnostics, progress, into: intake)
                let machine = await follow(intake, input, judges, progress)
                intake.close()
                do { try await input.finish() } catch {
                    // It has ended already.
                }
                if await !isWhole {
                    do { try execution.send(signal: .terminate) } catch {
                        // It has ended already.
                    }
                }
                await complained
                return machine
            }
            if let ending = progress.ending.withLock({ $0 }) { return ending }
            let status: Int32 =
                switch result.terminationStatus {
                case .exited(let code): code
                case .signaled(let number): 128 + number
                }
            let closed = SSHEnding(status: status, errors: progress.errors.withLock { $0 })
            var machine = result.closureResult
            guard case .finish(let ending) = machine.take(.closed(closed)) else {
                return .broken(closed, greeted: true)
            }
            return ending
        } catch {
            let failed = SSHEnding(status: 255, errors: "\(ssh) cannot be run: \(error)")
            return progress.ending.withLock { $0 }
                ?? .broken(failed, greeted: progress.wasGreeted.withLock { $0 })
        }
    }

    private func follow(
        _ intake: SessionIntake,
        _ input: StandardInputWriter,
        _ judges: Judges,
        _ progress: Progress
    ) async -> SessionMachine {
        var machine = SessionMachine()
        for await event in intake.events {
            intake.took(event)
            var next: SessionMachine.Event? = event
            while let taken = next {
                let action = machine.take(taken)
                told(machine.state)
                next = await perform(action, input, judges, progress)
            }
            if progress.ending.withLock({ $0 }) != nil { break }
        }
        return machine
    }

    /// Carries an action out; the event that comes of it at once.
    private func perform(
        _ action: SessionMachine.Action,
        _ input: StandardInputWriter,
        _ judges: Judges,
        _ progress: Progress
    ) async -> SessionMachine.Event? {
        switch action {
        case .wait: return nil
        case .sendPassword:
            await send(Array(((password ?? "") + "\n").utf8), input)
            return nil
        case .sendProgram:
            progress.wasGreeted.withLock { $0 = true }
            await send(Array(program.text.utf8), input)
            return nil
        case .decide(let lines): return .decided(await judges.decide(lines))
        case .send(let shipment):
            await send(shipment, input)
            return nil
        case .sign(let request):
            switch await judges.sign(request) {
            case .success(let certificate): return .signed(certificate: certificate)
            case .failure(let refusal): return .notSigned(reason: refusal.reason)
            }
        case .sendGrant(let certificate):
            await send(line(of: ProvisionGrant(certificate: certificate)), input)
            return nil
        case .hangUp:
            do { try await input.finish() } catch {
                // Its end will be told.
            }
            return nil
        case .finish(let ending):
            progress.ending.withLock { $0 = ending }
            return nil
        }
    }

    private func send(_ shipment: Shipment, _ input: StandardInputWriter) async {
        await send(Array("stage\n".utf8), input)
        for file in ProvisionedFile.allCases {
            guard let content = shipment.contents[file] else { continue }
            await send(Array("file \(file.rawValue) \(content.count)\n".utf8), input)
            await send(content, input)
        }
        await send(Array("run\n".utf8), input)
        await send(line(of: shipment.order), input)
    }

    private func line(of value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")] } catch {
            return [UInt8(ascii: "\n")]
        }
    }

    /// A process that takes no more is about to end; its end is the event.
    private func send(_ bytes: [UInt8], _ input: StandardInputWriter) async {
        do { _ = try await input.write(bytes) } catch {
            // As above.
        }
    }

    /// Until the process says no more; false when it says more than is read of it.
    private static func readLines(_ output: SubprocessOutputSequence, into intake: SessionIntake) async
        -> Bool
    {
        defer { intake.end() }
        var line: [UInt8] = []
        do {
            for try await buffer in output {
                let goesOn = buffer.withUnsafeBytes { bytes in
                    for byte in bytes {
                        if byte == UInt8(ascii: "\n") {
                            guard intake.offer(.line(String(decoding: line, as: UTF8.self))) else {
                                return false
                            }
                            line.removeAll(keepingCapacity: true)
                        } else {
                            line.append(byte)
                        }
                    }
                    return intake.holds(line.count)
                }
                guard goesOn else { return false }
            }
        } catch {
            // Its end is told by the process.
        }
        return true
    }

    private static func readErrors(
        _ output: SubprocessOutputSequence,
        _ progress: Progress,
        into intake: SessionIntake
    ) async {
        do {
            for try await buffer in output {
                let text = buffer.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
                let asks = progress.errors.withLock { errors in
                    errors += text
                    let pieces = errors.pieces(around: SSHCommand.sudoPrompt)
                    errors = String(pieces.joined().suffix(mostErrors))
                    return pieces.count - 1
                }
                for _ in 0..<asks { _ = intake.offer(.sudoAsks) }
            }
        } catch {
            // As above.
        }
    }
}

extension String {
    fileprivate func pieces(around mark: String) -> [String] {
        split(separator: mark, omittingEmptySubsequences: false).map(String.init)
    }
}
