import ControlProtocol
import Testing

@testable import Commands

@Suite("The hosts on which an agent.yaml may be written")
struct AgreedHostsTests {
    @Test(
        "a host that cannot be looked at is left out of what is written, and named in the question and at the end"
    )
    func agreed() throws {
        let (s1, s2, s3) = (
            try HostName.parsed("s1"), try HostName.parsed("s2"), try HostName.parsed("s3")
        )
        var agreed = AgreedHosts()
        agreed.agree(s1, over: nil)
        #expect(agreed.question == "Write this, on 1 host? [y/N] " && agreed.omission == nil)
        agreed.leaveOut(s2)
        agreed.agree(s3, over: "ab")
        #expect(agreed.question == "Write these, on 2 hosts, without s2? [y/N] ")
        #expect(agreed.omission == "nothing was written on s2; once they answer, repeat the command for them")
        #expect(agreed.hosts == [s1, s3] && agreed.digests == [s1: "", s3: "ab"])
    }
}
