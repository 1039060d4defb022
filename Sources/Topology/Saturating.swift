/// Arithmetic on numbers that somebody else has said: beyond the edge of the type it stays at the edge, and never traps.
///
/// For differences that are shown or compared with a threshold, where the edge is as good as the truth.
extension FixedWidthInteger {
    package func plus(saturating other: Self) -> Self {
        let (sum, isBeyond) = addingReportingOverflow(other)
        return isBeyond ? (other < 0 ? .min : .max) : sum
    }

    package func minus(saturating other: Self) -> Self {
        let (difference, isBeyond) = subtractingReportingOverflow(other)
        return isBeyond ? (other < 0 || self > other ? .max : .min) : difference
    }

    package func times(saturating other: Self) -> Self {
        let (product, isBeyond) = multipliedReportingOverflow(by: other)
        return isBeyond ? ((self < 0) == (other < 0) ? .max : .min) : product
    }
}
