enum AgentServerPlaceholder {}
