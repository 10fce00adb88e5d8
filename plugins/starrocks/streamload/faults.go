package streamload

import (
	"github.com/gx-etl/gx/plugins/protocol"
)

// words name a load, or the transaction it stands for.
func (l *Load) words() string {
	if l.transaction {
		return "transaction " + l.Label + " of " + l.Database + "." + l.Table
	}
	return "load " + l.Label + " into " + l.Database + "." + l.Table
}

// permanent is the end of a load that no other attempt would bring in.
func permanent(l *Load, a attempt) error {
	what := l.words() + ": " + a.words()
	switch a.class {
	case classDenied:
		return protocol.Faultf(protocol.Denied, "%s", what).At("username").
			Hint("check username and password, and that the user has the INSERT privilege on %s.%s", l.Database, l.Table)
	case classNotFound:
		return protocol.Faultf(protocol.NotFound, "%s", what).At("table").
			Hint("create %s.%s, or correct selectedDatabase and table", l.Database, l.Table)
	case classSettings:
		return protocol.Faultf(protocol.Config, "%s", what).At("loadProps").
			Hint("correct the load property or column that the message names")
	case classTooLarge:
		return protocol.Faultf(protocol.Refused, "%s", what).At("maxBatchSize").
			Hint("lower maxBatchSize below the limit of the server")
	}
	return protocol.Faultf(protocol.Refused, "%s", what).At("table").
		Hint("an administrator of StarRocks must make room first")
}

// collision: the first attempt found its label taken, so another program made it.
func collision(l *Load, a attempt) error {
	return protocol.Faultf(protocol.Refused, "label %s is taken by another load (%s) before it was used here; nothing of this load was written",
		l.Label, clean(a.answer.ExistingJobStatus+" "+a.answer.Message, 300)).At("labelPrefix").
		Hint("set a labelPrefix that no other job uses, and do not run one job twice at the same time")
}

// exhausted is the end of a load after its last attempt.
func exhausted(l *Load, a attempt, c course) error {
	switch {
	case c.open:
		return protocol.Faultf(protocol.InDoubt, "after %d attempts it cannot be told whether load %s is in %s.%s: %s",
			c.attempts, l.Label, l.Database, l.Table, a.words()).At("table").
			Hint("ask any frontend: curl -u <user> 'http://<frontend>:8030/api/%s/get_load_state?label=%s'", l.Database, l.Label)
	case a.silent:
		return protocol.Faultf(protocol.Unreachable, "%s: %s", l.words(), a.trouble).At("loadUrl").
			Hint("check the network to the frontends and to the backends they name; redirectMap says where a backend is to be reached, maxRetries -1 waits for ever")
	}
	return protocol.Faultf(protocol.Refused, "%s failed %d times, at last: %s", l.words(), c.attempts, a.words()).
		At("table").Hint("%s", lastResort(a.class))
}

func lastResort(c class) string {
	switch c {
	case classVersions:
		return "load less often: raise maxBatchRows, maxBatchSize and flushInterval, lower setting.speed.concurrent"
	case classBusy:
		return "lower setting.speed.concurrent, or raise maxRetries"
	case classMemory:
		return "lower maxBatchSize or setting.speed.concurrent, or raise maxRetries"
	case classCluster:
		return "look at the state of the cluster (SHOW BACKENDS), or raise maxRetries"
	}
	return "look into the log of the backend under this label; maxRetries sets the number of further attempts"
}
