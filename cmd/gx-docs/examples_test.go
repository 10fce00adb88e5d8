package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// example is what example.json tells the end-to-end tests.
type example struct {
	Topic      string `json:"topic"` // takes messages.jsonl; empty: there is none to fill
	Partitions int    `json:"partitions"`
	Query      string `json:"query"`  // answers expected.txt after the run
	Files      string `json:"files"`  // or these files in the folder ${out} are it
	Writes     string `json:"writes"` // or the keys and values in this topic
	Streaming  bool   `json:"streaming"`
}

// TestExamples checks what needs no servers; test/e2e runs every one of them.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(tree, "examples", "*", "job.json"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d examples found, %v", len(files), err)
	}
	index := readTree(t, "examples/README.md")
	for _, file := range files {
		dir := filepath.Dir(file)
		name := filepath.Base(dir)
		t.Run(name, func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			report(t, "job.json", judgeJob(src, nil, nil))
			if !strings.Contains(index, "]("+name+"/") {
				t.Error("examples/README.md does not name it")
			}
			var e example
			about, err := os.ReadFile(filepath.Join(dir, "example.json"))
			if err != nil {
				t.Fatal(err)
			}
			d := json.NewDecoder(bytes.NewReader(about))
			d.DisallowUnknownFields()
			if err := d.Decode(&e); err != nil {
				t.Fatalf("example.json: %v", err)
			}
			if e.Streaming != bytes.Contains(src, []byte(`"mode": "streaming"`)) {
				t.Error("example.json and job.json disagree about streaming")
			}
			answers := 0
			for _, from := range []string{e.Query, e.Files, e.Writes} {
				if from != "" {
					answers++
				}
			}
			if answers != 1 || (e.Topic == "" && e.Writes == "") != (e.Partitions == 0) {
				t.Errorf("example.json is not complete: %+v", e)
			}
			for _, topic := range []string{e.Topic, e.Writes} {
				if topic != "" && !bytes.Contains(src, []byte(`"`+topic+`"`)) {
					t.Errorf("job.json does not name the topic %s", topic)
				}
			}
			needs := []string{"README.md", "expected.txt"}
			if e.Query != "" {
				needs = append(needs, "init.sql")
			}
			for _, need := range needs {
				if b, err := os.ReadFile(filepath.Join(dir, need)); err != nil || len(b) == 0 {
					t.Errorf("%s: %d bytes, %v", need, len(b), err)
				}
			}
			if e.Topic == "" {
				return
			}
			messages, err := os.ReadFile(filepath.Join(dir, "messages.jsonl"))
			if err != nil || len(messages) == 0 {
				t.Fatalf("messages.jsonl: %d bytes, %v", len(messages), err)
			}
			for line := range bytes.Lines(messages) {
				if !json.Valid(line) {
					t.Errorf("messages.jsonl: not JSON: %s", line)
				}
			}
		})
	}
}
