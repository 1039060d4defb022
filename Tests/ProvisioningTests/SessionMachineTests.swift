import ControlProtocol
import FoundationEssentials
import Testing

@testable import Provisioning

/// event == action, a line each.
@Suite("A session with a host", .timeLimit(.minutes(1)))
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
