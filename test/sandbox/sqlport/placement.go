package sqlport

import (
	"fmt"
	"strings"
	"time"

	"github.com/gx-etl/gx/test/sandbox/sqlport/lex"
	"github.com/gx-etl/gx/test/sandbox/store"
)

// showTablets answers SHOW TABLETS FROM t [[TEMPORARY] PARTITION (names)].
func (ss *session) showTablets(c *lex.Cursor) (*answer, error) {
	t, err := ss.fromTable(c)
	if err != nil {
		return nil, err
	}
	want := map[string]bool{}
	temporary := c.Try("temporary")
	if c.Try("partition") || c.Try("partitions") {
		names, err := c.Names()
		if err != nil {
			return nil, err
		}
		n := narrowing{temporary: temporary}
		for _, name := range names {
			n.partitions = append(n.partitions, name.Text)
			want[strings.ToLower(name.Text)] = true
		}
		if _, err := n.of(t.Snapshot()); err != nil {
			return nil, err
		}
	}
	a := &answer{cols: columnsOf(`TabletId# ReplicaId# BackendId# SchemaHash# Version# VersionHash# LstSuccessVersion#
		LstSuccessVersionHash# LstFailedVersion# LstFailedVersionHash# LstFailedTime DataSize RowCount# State
		LstConsistencyCheckTime CheckVersion# CheckVersionHash# VersionCount# PathHash# MetaUrl CompactionStatus DiskRootPath`)}
	for _, p := range t.Partitions() {
		if p.Temporary != temporary || len(want) > 0 && !want[strings.ToLower(p.Name)] {
			continue
		}
		for _, b := range p.Tablets {
			a.add(b.ID, b.ID, firstBackendID, t.ID(), b.Version, int64(0), b.Version, int64(0), int64(-1), int64(0), nil, byteSize(b.Bytes), b.Rows, "NORMAL",
				nil, int64(-1), int64(-1), int64(b.Versions), int64(0), "", "", "")
		}
	}
	return a, nil
}

// showPartitions answers SHOW [TEMPORARY] PARTITIONS FROM t.
func (ss *session) showPartitions(c *lex.Cursor, temporary bool) (*answer, error) {
	t, err := ss.fromTable(c)
	if err != nil {
		return nil, err
	}
	s := t.Schema()
	ends := "Range"
	if s.Partitioning != nil && s.Partitioning.Kind == store.ListPartitions {
		ends = "List"
	}
	a := &answer{cols: columnsOf(`PartitionId# PartitionName VisibleVersion# VisibleVersionTime VisibleVersionHash# State
		PartitionKey ` + ends + ` DistributionKey Buckets# ReplicationNum# StorageMedium CooldownTime LastConsistencyCheckTime
		DataSize StorageSize IsInMemory RowCount#`)}
	key := ""
	if s.Partitioning != nil {
		key = strings.Join(s.Partitioning.Keys(), ", ")
	}
	for _, p := range t.Partitions() {
		if p.Temporary == temporary {
			a.add(p.ID, p.Name, p.Version, p.Changed.Format(time.DateTime), int64(0), "NORMAL", key, p.Range+p.Values,
				strings.Join(s.DistributedBy, ", "), int64(p.Buckets), int64(1), "HDD", "9999-12-31 23:59:59", nil,
				byteSize(p.Bytes), byteSize(p.Bytes), "false", p.Rows)
		}
	}
	return a, nil
}

// byteSize writes a size as the frontend does.
func byteSize(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%dB", n)
	}
	v, unit := float64(n), 0
	units := []string{"B", "KB", "MB", "GB", "TB"}
	for v >= 1024 && unit < len(units)-1 {
		v /= 1024
		unit++
	}
	return fmt.Sprintf("%.1f%s", v, units[unit])
}

// showAlterColumn answers SHOW ALTER TABLE COLUMN [FROM db].
func (ss *session) showAlterColumn(c *lex.Cursor) (*answer, error) {
	db, err := ss.fromDB(c)
	if err != nil {
		return nil, err
	}
	tables, err := ss.server.st.Tables(db)
	if err != nil {
		return nil, err
	}
	a := &answer{cols: columnsOf(`JobId# TableName CreateTime FinishTime IndexName IndexId# OriginIndexId# SchemaVersion
		TransactionId# State Msg Progress Timeout# Warehouse`)}
	for _, name := range tables {
		t, err := ss.server.st.Table(db, name)
		if err != nil {
			continue // dropped meanwhile
		}
		for _, j := range t.AlterJobs() {
			var finished, progress any
			if !j.Finished.IsZero() {
				finished = j.Finished.Format(time.DateTime)
			}
			if j.State == store.AlterRunning {
				progress = "0%"
			}
			a.add(j.ID, j.Table, j.Created.Format(time.DateTime), finished, j.Table, j.TableID, j.TableID, "1:0", j.TxnID,
				string(j.State), j.Message, progress, int64(j.Timeout/time.Second), "")
		}
	}
	return a, nil
}
