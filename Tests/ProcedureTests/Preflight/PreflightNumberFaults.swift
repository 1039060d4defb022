import ControlProtocol
import Procedure
import Settings
import Topology

/// Numbers at the edge of their type, as a bug or a lie might tell them; they name their host and end nothing.
extension Fault {
    static let numbers = [
        Fault(
            "an epoch that no runs have raised",
            .agents,
            "s2: its agent says that the highest epoch it has granted is 9007199254740991",
            "mitosis-agent lease reset --epoch 0"
        ) { model in
            guard let host = HostName("s2") else { return }
            model.grant(
                LeaseState(highestEpoch: .highest, current: nil, holder: nil, expiresAt: nil),
                on: host
            )
        },
        Fault("a clock before all time", .clocks, "s1: its clock is 92233720368547") { model in
            model.make("s1") { $0.skew = .min }
        },
        Fault(
            "certificates that ended before all time",
            .certificates,
            "d6: its certificate ends at a time that there is not",
            "d6: its authority ends at a time that there is not",
            make: odd("d6") {
                $0.credentials = CredentialExpiry(certificate: .min, authority: .min, revocationList: nil)
            }
        ),
        Fault(
            "data of a size that cannot be doubled",
            .dataDirectories,
            "d4: 10240 MiB free",
            "d6: 10240 MiB free",
            other: .sessionTimeouts,
            make: odd("s1") { $0.dataSize = .max }
        ),
    ]
}
