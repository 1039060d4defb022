import ControlProtocol
import FoundationEssentials
import Glibc
import Settings
import TestSupport
import Testing

@testable import Provisioning

/// event == action, a line each.
@Suite("A session with a host", .timeLimit(.minutes(10)))
struct SessionMachineTests {
    private let shipment: Shipment

    init() throws {
        shipment = Shipment(
            order: ProvisionOrder(
                verb: .place,
                host: try #require(HostName("s1")),
                trustDomain: "mitosis",
                state: "/var/lib/mitosis",
                files: [],
                makesKey: true,
                coordinator: "ops"
            ),
            contents: [:]
        )
    }
    private func line(_ reply: ProvisionReply) throws -> SessionMachine.Event {
        .line(String(decoding: try JSONEncoder().encode(reply), as: UTF8.self))
    }

    @Test("from the login to the verdict")
    func whole() throws {
        var machine = SessionMachine()
        let placed = ProvisionReply.placed(
            .init(files: [.binary], holds: [], fingerprint: "ab", restarted: true, rules: nil)
        )
        #expect(machine.take(.line("Welcome to this host")) == .wait)
        #expect(machine.take(.sudoAsks) == .sendPassword)
        #expect(machine.take(.line(SSHCommand.greeting)) == .sendProgram)
        #expect(machine.take(.line("fact uid 0")) == .wait)
        #expect(machine.take(.line("end")) == .decide(["fact uid 0"]))
        #expect(machine.take(.decided(.ship(shipment))) == .send(shipment))
        #expect(machine.take(try line(.request(pem: "R"))) == .sign(request: "R"))
        #expect(machine.take(.signed(certificate: "C")) == .sendGrant(certificate: "C"))
        #expect(machine.take(try line(placed)) == .finish(.replied(placed)))
        #expect(machine.take(.closed(SSHEnding(status: 0, errors: ""))) == .wait)
    }

    @Test("a decision without a shipment ends it before anything is sent")
    func refused() {
        var machine = SessionMachine()
        #expect(machine.take(.line(SSHCommand.greeting)) == .sendProgram)
        #expect(machine.take(.line("end")) == .decide([]))
        #expect(machine.take(.decided(.refuse(["no"]))) == .finish(.decided(.refuse(["no"]))))
    }

    @Test("sudo's second question means a wrong password, and no third is answered")
    func wrongPassword() {
        var machine = SessionMachine()
        #expect(machine.take(.sudoAsks) == .sendPassword)
        #expect(machine.take(.sudoAsks) == .hangUp)
        let ending = SSHEnding(status: 1, errors: "sudo: 1 incorrect password attempt")
        #expect(machine.take(.closed(ending)) == .finish(.broken(ending, greeted: false)))
        #expect(ending.reason(host: "s1", greeted: false, seconds: 1).contains("did not take the password"))
    }

    @Test("a connection that breaks is told with what had been reached", arguments: [false, true])
    func broken(greeted: Bool) {
        var machine = SessionMachine()
        if greeted { _ = machine.take(.line(SSHCommand.greeting)) }
        let ending = SSHEnding(status: 255, errors: "Connection reset")
        #expect(machine.take(.closed(ending)) == .finish(.broken(ending, greeted: greeted)))
    }

    @Test("a request that is not signed, and a host's own refusal, end it with their reason")
    func refusals() throws {
        var machine = SessionMachine()
        _ = machine.take(.line(SSHCommand.greeting))
        _ = machine.take(.line("end"))
        _ = machine.take(.decided(.ship(shipment)))
        var other = machine
        #expect(machine.take(try line(.request(pem: "R"))) == .sign(request: "R"))
        #expect(machine.take(.notSigned(reason: "P-384")) == .finish(.refused(reason: "P-384")))
        #expect(other.take(.line("refused full")) == .finish(.refused(reason: "full")))
    }

    @Test("what no host of ours says is nonsense at every step, and never endless")
    func nonsense() {
        var machine = SessionMachine()
        _ = machine.take(.line(SSHCommand.greeting))
        _ = machine.take(.line("end"))
        #expect(machine.take(.line("{}")) == .finish(.nonsense("{}")))
        var endless = SessionMachine()
        var action = SessionMachine.Action.wait
        for _ in 0...2001 where action == .wait { action = endless.take(.line("x")) }
        #expect(action == .finish(.nonsense("it says no end of things at login")))
        var look = SessionMachine()
        action = look.take(.line(SSHCommand.greeting))
        action = .wait
        for _ in 0...2001 where action == .wait { action = look.take(.line("fact x y")) }
        #expect(action == .finish(.nonsense("its look has no end")))
    }

    @Test("a look is bounded by its bytes as well, and what is kept of nonsense is short")
    func longLines() {
        var machine = SessionMachine()
        _ = machine.take(.line(SSHCommand.greeting))
        let line = "fact yaml " + String(repeating: "A", count: 700_000)
        #expect(machine.take(.line(line)) == .wait)
        #expect(machine.take(.line(line)) == .wait)
        #expect(machine.take(.line(line)) == .finish(.nonsense("its look has no end")))
        var other = SessionMachine()
        _ = other.take(.line(SSHCommand.greeting))
        _ = other.take(.line("end"))
        guard case .finish(.nonsense(let kept)) = other.take(.line(line)) else {
            Issue.record("\(other.state)")
            return
        }
        #expect(kept.count == 1000)
    }

    @Test("a host that sends more than is taken ends the session at any step", arguments: 0..<4)
    func flood(step: Int) {
        var machine = SessionMachine()
        let events: [SessionMachine.Event] = [
            .line(SSHCommand.greeting), .line("end"), .decided(.ship(shipment)),
        ]
        for event in events.prefix(step) { _ = machine.take(event) }
        #expect(machine.take(.tooMuch) == .finish(.nonsense("it says no end of things")))
    }

    @Test("what has come and is not taken is bounded, and after the end nothing is kept")
    func intake() async {
        let slow = SessionIntake()
        let line = SessionMachine.Event.line(String(repeating: "x", count: 1 << 20))
        #expect(slow.offer(line))
        slow.took(line)
        #expect(slow.offer(line))
        #expect(!slow.offer(line))
        var events: [SessionMachine.Event] = []
        for await event in slow.events { events.append(event) }
        #expect(events == [line, line, .tooMuch])

        let ended = SessionIntake()
        ended.close()
        #expect(ended.offer(line) && !ended.offer(line))
        for await event in ended.events { Issue.record("\(event)") }

        let endless = SessionIntake()
        #expect(endless.holds(SessionIntake.longestLine) && !endless.holds(SessionIntake.longestLine + 1))
        var last: SessionMachine.Event?
        for await event in endless.events { last = event }
        #expect(last == .tooMuch)
    }

    @Test(
        "a host that never stops talking is hung up on long before its time is up",
        arguments: ["fact x y", "end"]
    )
    func neverSilent(said: String) async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let flood = "yes \(String(repeating: "z", count: 2000))"
        let ssh = try folder.write(
            "#!/bin/sh\necho \(SSHCommand.greeting)\necho \(said)\nexec \(flood)\n",
            to: "ssh"
        )
        #expect(chmod(ssh, 0o700) == 0)
        let inventory = try FleetFile.read(
            path: try folder.write(
                "version: 1\nname: f\npki: {directory: p, coordinator: o, trust_domain: e}\n"
                    + "hosts:\n- {host: s1, address: 198.51.100.1}\n",
                to: "i.yaml"
            )
        ).inventory
        let session = SSHSession(
            host: try #require(inventory.hosts.first),
            program: HostProgram(changes: false, configs: [], units: [], seconds: 60),
            password: nil,
            ssh: ssh,
            limit: .seconds(600)
        ) { _ in
        }
        let ending = await session.run(
            SSHSession.Judges(
                decide: { _ in .unchanged },
                sign: { _ in .failure(.init(reason: "nobody asks")) }
            )
        )
        switch ending {
        case .nonsense, .decided(.unchanged): break
        case .decided, .replied, .refused, .broken: Issue.record("\(ending)")
        }
    }

    @Test(
        "why ssh ended is told with what to do",
        arguments: [
            ("Host key verification failed.", "ssh-keyscan 192.0.2.1"),
            (
                "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key verification failed.",
                "find out why"
            ),
            ("op@h: Permission denied (publickey).", "ssh.identity"),
            ("sudo: a password is required", "--ask-sudo-password"),
            ("op is not in the sudoers file.", "root is needed"),
        ]
    )
    func endings(errors: String, remedy: String) {
        let reason = SSHEnding(status: 255, errors: errors).reason(
            host: "192.0.2.1",
            greeted: false,
            seconds: 1
        )
        #expect(reason.contains(remedy), "\(reason)")
    }
}
