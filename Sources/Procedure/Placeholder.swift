enum ProcedurePlaceholder {}
