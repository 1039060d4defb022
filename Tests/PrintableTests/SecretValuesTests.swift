import Printable
import Testing

@Suite("What is a secret")
struct SecretValuesTests {
    @Test(
        "settings are told by their names",
        arguments: [
            "ssl.keyStore.password", "ssl.quorum.trustStore.passwordPath", "zookeeper.superDigest",
            "sasl.jaas.config",
            "ssl.keystore.key", "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config", "client_secret",
            "API-KEY",
            "delegation.token.master.key", "basic.auth.user.info", "aws.credentials", "DB_PASSWD",
        ]
    )
    func names(_ name: String) { #expect(SecretValues.isSecret(name: name, value: "x")) }

    @Test(
        "others are shown, and so is whether something is on",
        arguments: [
            ("ssl.keyStore.location", "/etc/key"), ("tickTime", "2000"), ("zookeeper.connect", "a:2181"),
            ("quorum.auth.enableSasl", "true"), ("listeners", "SSL://:9093"), ("server.1", "x:2888:3888"),
        ]
    )
    func harmless(_ name: String, _ value: String) {
        #expect(!SecretValues.isSecret(name: name, value: value))
    }

    @Test("in free text, what follows a secret's name is hidden up to the end of its line")
    func text() {
        let cases = [
            ("java -Dssl.keyStore.password=abc -cp x Main", "java -Dssl.keyStore.password=(hidden)"),
            ("+ export DB_PASSWORD='abc def'\nnext line", "+ export DB_PASSWORD=(hidden)\nnext line"),
            (#"{"password": "abc", "a": 1}"#, #"{"password":(hidden)"#),
            ("tool --password abc --port 1", "tool --password (hidden)"),
            ("token : abc", "token :(hidden)"), ("<secret>abc</secret>", "<secret>(hidden)"),
            ("the password is wrong", "the password is wrong"), ("port=1", "port=1"), ("", ""),
            ("password", "password"), ("x=1 password=\u{308}abc", "x=1 password=(hidden)"),
        ]
        for (text, expected) in cases { #expect(SecretValues.hidden(in: text) == expected) }
    }
}
