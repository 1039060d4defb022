enum YAMLReadingPlaceholder {}
