import Topology

extension PlanFault {
    /// The check that a mistake in a plan file belongs to.
    package var check: CheckName {
        switch self {
        case .unknownSeed, .seedsWithObservers: .seeds
        case .selection(let error):
            switch error {
            case .notInDestination, .repeatedSeed, .tooFewSeeds, .outvotesSource, .moreThanMajority: .seeds
            case .lowDestinationID: .destinationIDs
            case .tooSmall, .even, .repeatedID: .planFile
            }
        case .format, .unsupportedVersion, .notOneOf, .badName, .badService, .relativePath, .badAddress,
            .unusableAddress, .nameWithoutAddresses, .duplicateID, .duplicateHost, .hostOnBothSides,
            .duplicateAddress, .portUsedTwice, .agentPortBehindWall, .badChroot, .unsupportedBatch,
            .duplicateBroker, .brokerOnServerHost, .noBrokers, .unknownCheck, .unwaivableCheck,
            .repeatedWaiver, .waiverWithoutReason, .badNodePath, .repeatedSkip, .skipWithoutReason,
            .thresholdWithoutProbe,
            .tooMany, .wholeTree, .treeOfKafka, .overlappingTree, .notOneIgnored, .notAnAddress,
            .notASession, .ignoredWithoutReason, .repeatedIgnore, .client,
            .repeatedTest, .testWithoutProgram, .relativeProgram, .testNeverRun,
            .inventory, .notInInventory, .saysOtherwise, .openQuestion:
            .planFile
        }
    }
}
