package harness

import (
	"context"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Members names those who are in a consumer group now, in order: by the name that each has given itself, or else by the one
// that it has from the broker.
func (b *Broker) Members(t *testing.T, group string) (names []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), brokerPatience)
	defer cancel()
	got, err := kadm.NewClient(b.client(t)).DescribeGroups(ctx, group)
	if err == nil {
		err = got.Error()
	}
	if err != nil {
		t.Fatalf("%s: group %s: %v", b.Name, group, err)
	}
	for _, m := range got[group].Members {
		name := m.MemberID
		if m.InstanceID != nil && *m.InstanceID != "" {
			name = *m.InstanceID
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
