package config

// defaultMaxChallenges is the contract's (section 1.6).
const defaultMaxChallenges = 60

func challengeOptions() []Option {
	const group = "ACME challenges"
	return []Option{
		{"max-concurrent-challenges", group, "challenges that are at work at a time, over all namespaces",
			"Never two of them are for one name and type. One that fails its self check gives its place to others that wait and has its turn again later, so that more places are not needed because of some that cannot pass; raise it where proofs spread slowly (DNS) and hundreds of names are due at once.",
			func(c *Config) any { return &c.MaxConcurrentChallenges }},
	}
}

func (c Config) challengeFaults() []error {
	return faultIf(c.MaxConcurrentChallenges < 1,
		"--max-concurrent-challenges: %d would prove nothing; write at least 1, or switch challenges off with --controllers=*,-challenges", c.MaxConcurrentChallenges)
}
