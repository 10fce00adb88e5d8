package javadate_test

import (
	"testing"
	"time"

	"github.com/gx-etl/gx/job/javadate"
)

func TestDateFormats(t *testing.T) {
	at := time.Date(2024, 2, 9, 15, 4, 5, 678e6, time.UTC)
	for java, want := range map[string]string{
		"yyyy-MM-dd HH:mm:ss":     "2024-02-09 15:04:05",
		"yyyy/M/d":                "2024/2/9",
		"yyyyMMdd":                "20240209",
		"HH:mm:ss.SSS":            "15:04:05.678",
		"yyyy-MM-dd'T'HH:mm:ss":   "2024-02-09T15:04:05",
		"hh:mm a, d MMM yy":       "03:04 PM, 9 Feb 24",
		"d MMMM yyyy 'at' H":      "",
		"yyyy-MM-dd'T'HH:mm:ss'Z": "",
	} {
		layout, err := javadate.Layout(java)
		if (err != nil) != (want == "") {
			t.Errorf("%q: %v", java, err)
		}
		if err == nil && at.Format(layout) != want {
			t.Errorf("%q gives %q, want %q", java, at.Format(layout), want)
		}
	}
}
