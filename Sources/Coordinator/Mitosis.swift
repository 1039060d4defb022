import ArgumentParser
import Commands

@main
struct Mitosis {
    static func main() async { await MitosisCommand.main() }
}
