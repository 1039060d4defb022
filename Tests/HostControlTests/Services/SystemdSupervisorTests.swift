import ControlProtocol
import Glibc
import TestSupport
import Testing

@testable import HostControl

@Suite("Services under systemd")
struct SystemdSupervisorTests {
    private func text(
        _ load: String,
        _ active: String,
        _ sub: String,
        pid: Int = 0,
        result: String = "success"
    ) -> String {
        "MainPID=\(pid)\nResult=\(result)\nLoadState=\(load)\nActiveState=\(active)\nSubState=\(sub)"
    }

    @Test("what systemctl shows is read as one of four states")
    func states() {
        let state = { (text: String) in SystemdSupervisor.state(from: text) }
        #expect(state(text("loaded", "active", "running", pid: 4_194_000)) == .running(pid: 4_194_000))
        #expect(state(text("loaded", "reloading", "reload", pid: 4_194_000)) == .running(pid: 4_194_000))
        #expect(state(text("loaded", "activating", "auto-restart", result: "exit-code")) == .changing)
        #expect(state(text("loaded", "deactivating", "stop-sigterm", pid: 4_194_000)) == .changing)
        #expect(state(text("loaded", "inactive", "dead")) == .stopped)
        #expect(
            state(text("loaded", "failed", "failed", result: "exit-code")) == .failed(reason: "exit-code")
        )
        #expect(
            state(text("loaded", "active", "exited"))
                == .failed(
                    reason:
                        "the unit is active (exited) without a main process, and not exactly one JVM is in it: let systemd know "
                        + "the server's (PIDFile= with Type=forking)"
                )
        )
        #expect(state(text("not-found", "inactive", "dead")) == .failed(reason: "the unit is not-found"))
        #expect(state(text("masked", "inactive", "dead")) == .failed(reason: "the unit is masked"))
        #expect(state("") == .failed(reason: "the unit is unknown to systemd"))
    }

    @Test("what a unit does at boot is read from what systemd says of it")
    func boots() {
        let asks =
            "ExecCondition={ path=/bin/sh ; argv[]=/bin/sh -c x sh /usr/bin/mitosis-agent --hold-check ; }"
        let boot = { (text: String) in UnitBoot(shown: text, lapse: "") }
        #expect(boot("UnitFileState=enabled") == UnitBoot(isEnabled: true, asksOrder: false))
        #expect(boot("\(asks)\nUnitFileState=enabled-runtime") == UnitBoot(isEnabled: true, asksOrder: true))
        #expect(boot("UnitFileState=disabled\n\(asks)") == UnitBoot(isEnabled: false, asksOrder: true))
        #expect(
            boot("UnitFileState=generated\nExecStart={ argv[]=--hold-check }")
                == UnitBoot(isEnabled: true, asksOrder: false)
        )
        #expect(boot("UnitFileState=\nResult=success") == nil && boot("") == nil)
        let enabled = "LoadState=loaded\nUnitFileState=enabled"
        for (state, lapses) in [("active", true), ("inactive", false), ("failed", false)] {
            let (text, lapse) = SystemdSupervisor.blocks(
                of: "\(enabled)\n\nLoadState=x\nActiveState=\(state)\n"
            )
            #expect(text == enabled)
            let read = UnitBoot(shown: text, lapse: lapse)
            #expect(read == UnitBoot(isEnabled: true, asksOrder: false, lapses: lapses))
        }
        let (text, lapse) = SystemdSupervisor.blocks(of: enabled)
        #expect(UnitBoot(shown: text, lapse: lapse)?.lapses == nil)
    }

    @Test("a state that is no word of systemd's is told as text", arguments: HostileText.pieces.indices)
    func hostile(index: Int) {
        let word = HostileText.pieces[index]
        for text in [
            text(word, "active", "x"), text("loaded", word, "x"), text("loaded", "failed", "x", result: word),
        ] {
            guard case .failed(let reason) = SystemdSupervisor.state(from: text) else { continue }
            #expect(HostileText.offences(in: reason).isEmpty && !reason.contains("\n"), "\(reason)")
        }
    }

    @Test(
        "only names of service units of the list reach systemctl",
        arguments: [
            "--help", "-H.service", "a b.service", "*.service", "../x.service", "zookeeper", ".service", "",
        ]
    )
    func names(name: String) async {
        let supervisor = SystemdSupervisor(allowed: [name])
        let error = await #expect(throws: ServiceError.self) { _ = try await supervisor.state(of: name) }
        #expect(error == .refused(.invalid(reason: "'\(name)' is not the name of a service unit")))
    }

    @Test("a unit that is not in the list is refused")
    func notAllowed() async {
        let supervisor = SystemdSupervisor(allowed: ["zookeeper.service"])
        let error = await #expect(throws: ServiceError.self) { try await supervisor.stop("ssh.service") }
        #expect(error == .refused(.notAllowed(reason: "unit ssh.service is not in the agent's list")))
    }

    @Test(
        "a real systemd answers for a unit that it does not know",
        .enabled(if: access("/run/systemd/system", F_OK) == 0, "systemd does not run this machine")
    )
    func real() async throws {
        let supervisor = SystemdSupervisor(allowed: ["mitosis-absent.service"])
        #expect(
            try await supervisor.state(of: "mitosis-absent.service")
                == .failed(reason: "the unit is not-found")
        )
    }
}
