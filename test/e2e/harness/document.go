package harness

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// Document is a job document in the DataWorks shape, to be changed by a test before it is written.
type Document struct {
	ReaderType, WriterType string
	Reader, Writer         map[string]any // parameters
	ReaderPlugin           map[string]any // the key plugin of the step
	Setting                map[string]any
}

// Object is a JSON object.
type Object = map[string]any

// Document gives a job that reads the case's topic from its beginning to its present end and loads it into the case's
// table as JSON.
func (c *Case) Document() *Document {
	return &Document{
		ReaderType: "kafka", WriterType: "starrocks",
		Reader: Object{"server": c.Broker.Addr, "topic": c.Topic, "groupId": c.Group, "beginType": "earliest"},
		Writer: Object{
			"loadUrl": []string{c.World.Sandbox.FEHTTP}, "jdbcUrl": "jdbc:mysql://" + c.World.Sandbox.FEQuery + "/",
			"username": "root", "password": "", "selectedDatabase": c.Database, "table": c.Table,
			"loadProps": Object{"format": "json"},
		},
		Setting: Object{"errorLimit": Object{"record": 0}, "speed": Object{"concurrent": 1}},
	}
}

// Streaming gives the job of Document as one that runs until it is told to stop, and notices a dead predecessor soon.
func (c *Case) Streaming() *Document {
	d := c.Document()
	d.Setting["mode"] = "streaming"
	delete(d.Reader, "beginType")
	d.Reader["autoOffsetReset"] = "earliest"
	// A heartbeat may wait behind a fetch on its connection, so a short session asks for short fetches.
	d.Reader["sessionTimeoutMs"], d.Reader["fetchMaxWaitMs"] = 2000, 100
	// The embedded Kafka does not hear of the death of a member that was just joining before this has passed.
	d.Reader["kafkaConfig"] = Object{"max.poll.interval.ms": 4000}
	d.Writer["flushInterval"] = 200
	return d
}

// JSON is the document as text.
func (d *Document) JSON() []byte {
	reader := Object{"stepType": d.ReaderType, "name": "Reader", "category": "reader", "parameter": d.Reader}
	if d.ReaderPlugin != nil {
		reader["plugin"] = d.ReaderPlugin
	}
	src, err := json.MarshalIndent(Object{
		"type": "job", "version": "2.0",
		"steps": []any{reader,
			Object{"stepType": d.WriterType, "name": "Writer", "category": "writer", "parameter": d.Writer}},
		"setting": d.Setting,
		"order":   Object{"hops": []any{Object{"from": "Reader", "to": "Writer"}}},
	}, "", "  ")
	if err != nil {
		panic(err) // a test put something into a document that is no JSON
	}
	return src
}

// Write puts a document into the case's folder and gives its path.
func (c *Case) Write(d *Document) string { return c.File(c.ID+".json", d.JSON()) }

// File puts a file into the case's folder and gives its path.
func (c *Case) File(name string, content []byte) string {
	c.T.Helper()
	path := filepath.Join(c.Dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		c.T.Fatal(err)
	}
	return path
}

// Program puts a program into the case's folder and gives its path.
func (c *Case) Program(name, content string) string {
	c.T.Helper()
	path := c.File(name, []byte(content))
	if err := os.Chmod(path, 0o700); err != nil {
		c.T.Fatal(err)
	}
	return path
}

// Files gives the texts of the files in the case's folder that match a pattern, in the order of their names.
func (c *Case) Files(pattern string) (texts []string) {
	c.T.Helper()
	paths, err := filepath.Glob(filepath.Join(c.Dir, pattern))
	if err != nil {
		c.T.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			c.T.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}
