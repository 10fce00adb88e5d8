package ingest

import (
	"net/http"
	"regexp"
	"strconv"
	"time"
	_ "time/tzdata" // names of zones must not depend on the machine
)

var zoneOffset = regexp.MustCompile(`^[+-]?(\d{2}):(\d{2})$`)

func (q *Request) readZone(h http.Header) error {
	v := h.Get("timezone")
	if v == "" {
		return nil
	}
	if m := zoneOffset.FindStringSubmatch(v); m != nil {
		hours, _ := strconv.Atoi(m[1]) // two digits
		minutes, _ := strconv.Atoi(m[2])
		span, most := hours*60+minutes, 14*60
		if v[0] == '-' {
			most = 12 * 60
		}
		if span > most || minutes > 59 {
			return unknownZone(v)
		}
		if v[0] != '-' && v[0] != '+' {
			v = "+" + v
		}
		q.zone = v
		return nil
	}
	// CST stands for the zone of Shanghai, as in the server.
	name := v
	if v == "CST" || v == "PRC" {
		name = "Asia/Shanghai"
	}
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return unknownZone(v)
	}
	q.zone = name
	return nil
}

func unknownZone(v string) error { return inWords("Unknown or incorrect time zone: '%s'", v) }
