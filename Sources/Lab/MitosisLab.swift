import ArgumentParser
import LabKit

@main
struct MitosisLab {
    static func main() async { await LabCommand.main() }
}
