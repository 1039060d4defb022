enum AgentClientPlaceholder {}
