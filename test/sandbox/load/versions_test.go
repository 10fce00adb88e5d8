package load

import "testing"

// A tablet with too many versions refuses a load before its body is read, and takes
// it under the same label once the versions are merged.
func TestVersionsAreMerged(t *testing.T) {
	b := start(t, func(o *Options) { o.Limits.TabletVersions, o.Limits.CompactEvery = 3, -1 })
	for range 3 {
		b.want(b.load("t", "1\ta\t5\n"), "Success", "")
	}
	r := b.want(b.load("t", "2\ta\t5\n", "label: again"), "Fail", "because of too many versions, current/limit: 4/3. You can reduce the loading job concurrency")
	if r.answer.NumberTotalRows != 0 {
		t.Errorf("%d rows were read", r.answer.NumberTotalRows)
	}
	if err := b.SetConfig("tablet_max_versions", "4"); err != nil {
		t.Fatal(err)
	}
	b.want(b.load("t", "2\ta\t5\n", "label: again"), "Success", "")
	b.want(b.load("t", "3\ta\t5\n", "label: third"), "Fail", "current/limit: 5/4")
	tab, err := b.store.Table("d", "t")
	if err != nil {
		t.Fatal(err)
	}
	tab.Compact()
	b.want(b.load("t", "3\ta\t5\n", "label: third"), "Success", "")
}
