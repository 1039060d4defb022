enum MutualTLSPlaceholder {}
