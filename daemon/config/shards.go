package config

import "github.com/certwright/certwright/internal/shards"

func shardOptions() []Option {
	const group = "Leader election"
	return []Option{
		{"shards", group, "parts of the work that replicas share; 1: one replica works, the others stand by",
			"With more than one, each has a Lease of its own and every replica works on its share of them: 12 are evenly shared by 2, 3, 4 and 6 replicas. It takes the rights of deploy/rbac/replicas. All replicas must have the same number; while it is being changed, those with the new one wait until the others have gone. One replica issues hundreds of certificates a second: more of them is first of all a shorter pause when one dies.",
			func(c *Config) any { return &c.Shards }},
	}
}

func (c Config) shardFaults() []error {
	faults := faultIf(c.Shards < 1 || c.Shards > shards.Most,
		"--shards: %d is not from 1 to %d; write 1 where one replica is to work, or 12", c.Shards, shards.Most)
	return append(faults, faultIf(c.Shards > 1 && !c.LeaderElect,
		"--shards: %d are shared by Leases, which --leader-elect=false does without; leave it at true", c.Shards)...)
}
