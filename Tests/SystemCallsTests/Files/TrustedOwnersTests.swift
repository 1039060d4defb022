import Glibc
import SystemCalls
import Testing

@Suite("Whose files are believed")
struct TrustedOwnersTests {
    @Test("root's, one's own and, for root under sudo alone, those of the user who called it")
    func users() {
        #expect(TrustedOwners(operating: 1000, sudo: nil) != TrustedOwners(operating: 0, sudo: nil))
        #expect(TrustedOwners(operating: 0, sudo: "1000") == TrustedOwners(operating: 1000, sudo: nil))
        // A user cannot name another one whose files should be believed.
        #expect(TrustedOwners(operating: 1000, sudo: "1234") == TrustedOwners(operating: 1000, sudo: nil))
        for odd in ["", "-1", "root", "99999999999"] {
            #expect(TrustedOwners(operating: 0, sudo: odd) == TrustedOwners(operating: 0, sudo: nil))
        }
    }

    @Test("a folder in which others may move files is objected to, one like /tmp is not")
    func folders() {
        #expect(TrustedOwners.daemon.objection(toFolderOf: "/tmp/x") == nil)
        #expect(TrustedOwners.daemon.objection(toFolderOf: "/x") == nil)
        #expect(TrustedOwners.daemon.objection(toFolderOf: "/no/such/folder/x") == nil)
    }
}
