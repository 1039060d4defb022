enum JournalingPlaceholder {}
