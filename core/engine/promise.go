package engine

import (
	"fmt"

	"github.com/gx-etl/gx/job"
	"github.com/gx-etl/gx/plugins/protocol"
	v1 "github.com/gx-etl/gx/plugins/protocol/v1"
)

// promise is the guarantee in force.
type promise struct {
	exactly bool
	why     string
}

// promise decides which guarantee is in force. A job that asks for exactly-once gets it or an error. A bounded job that says
// nothing gets it where it is possible and makes a difference: where the target would keep repeated rows, and where one
// shard can be done while another is not.
func (e *Engine) promise(source, target *v1.OpenReply, shards int) (promise, error) {
	p := e.Plan
	const repeat = "after a crash the loads that were in flight may be repeated"
	if p.Streaming {
		if target.ReplaySafe {
			return promise{why: "the target replaces rows by key, so a repeated row changes nothing"}, nil
		}
		return promise{why: repeat}, nil
	}
	obstacle := e.obstacle(source, target)
	after := repeat
	if e.work.keeps {
		after = "after a crash gx run --resume reads again the shards that were not done, whose rows may then be there twice"
	}
	switch {
	case p.Guarantee == job.ExactlyOnce && obstacle != "":
		return promise{}, protocol.Faultf(protocol.Unsupported, "exactly-once is not possible: %s", obstacle).At(p.GuaranteePath).
			Hint("at-least-once, into a PRIMARY KEY table if there is one, where repeated rows change nothing")
	case p.Guarantee == job.ExactlyOnce:
		return promise{exactly: true, why: fmt.Sprintf("each of the %d shards is one transaction at the target", shards)}, nil
	case target.ReplaySafe:
		return promise{why: "the target replaces rows by key, so a repeated row changes nothing"}, nil
	case p.Guarantee == job.AtLeastOnce:
		return promise{why: "as the job asks; " + after}, nil
	case obstacle != "":
		return promise{why: fmt.Sprintf("%s (exactly-once is not possible: %s)", after, obstacle)}, nil
	case shards < 2:
		return promise{why: after + `; the source is one shard, which gains little from a transaction ("deliveryGuarantee": "exactly-once" asks for one)`}, nil
	}
	return promise{exactly: true, why: fmt.Sprintf("each of the %d shards is one transaction at the target, which would keep repeated rows", shards)}, nil
}

// obstacle is what stands between the job and exactly-once; "" for nothing.
func (e *Engine) obstacle(source, target *v1.OpenReply) string {
	p := e.Plan
	switch {
	case !source.Frozen:
		return fmt.Sprintf("%s cannot read a part of its source again by itself", p.Reader.Plugin)
	case !target.Transactions && target.NoTransactions != "":
		return target.NoTransactions
	case !target.Transactions:
		return fmt.Sprintf("%s has no transactions", p.Writer.Plugin)
	case e.work.secret != "":
		return e.work.secret
	case !e.work.keeps:
		return "there is no state file to keep decisions in"
	}
	return ""
}

// String is the note.
func (p promise) String() string {
	if p.exactly {
		return "delivery: exactly-once; " + p.why
	}
	return "delivery: at-least-once; " + p.why
}
