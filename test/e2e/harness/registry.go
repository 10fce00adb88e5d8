package harness

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gx-etl/gx/test/e2e/built"
)

// Registry is a schema registry with its data in memory, Apicurio's, and a Python with the serializers of another client.
type Registry struct {
	URL    string
	python string
	stop   func()
}

var registries struct {
	once sync.Once
	r    *Registry
	err  error
}

// Registry gives the registry of all tests; it starts with the first. Nil: GX_TEST_REGISTRY_JAR does not name it, and that
// was said aloud.
func (w *World) Registry(t *testing.T) *Registry {
	t.Helper()
	registries.once.Do(func() { registries.r, registries.err = startRegistry(w.dir) })
	if registries.err != nil {
		t.Fatal(registries.err)
	}
	return registries.r
}

func startRegistry(dir string) (*Registry, error) {
	jar, python := os.Getenv("GX_TEST_REGISTRY_JAR"), os.Getenv("GX_TEST_REGISTRY_PYTHON")
	if jar == "" || python == "" {
		fmt.Fprintln(os.Stderr, "\nLEFT OUT: the schema registry, because GX_TEST_REGISTRY_JAR and GX_TEST_REGISTRY_PYTHON are not set\n"+
			"          scripts/e2e.sh sets them, installing both when Java, Maven and Python are here")
		return nil, nil
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := free.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	_ = free.Close()
	log, err := os.Create(filepath.Join(dir, "registry.log"))
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("java", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dquarkus.http.host=127.0.0.1", "-Dquarkus.http.port="+port,
		"-Dapicurio.storage.kind=sql", "-Dapicurio.storage.sql.kind=h2", "-jar", jar)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = dir, log, log, diesWithUs()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	gone := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		_ = log.Close()
		close(gone)
	}()
	r := &Registry{URL: "http://" + addr + "/apis/ccompat/v7", python: python}
	r.stop = func() {
		_ = cmd.Process.Kill()
		<-gone
	}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if resp, err := http.Get(r.URL + "/subjects"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		select {
		case <-gone:
			deadline = time.Time{}
		default:
		}
		if time.Now().After(deadline) {
			r.stop()
			said, _ := os.ReadFile(log.Name())
			return nil, fmt.Errorf("the schema registry did not come up:\n%s", said)
		}
	}
	if path := os.Getenv("REGISTRY_START_LOG"); path != "" {
		if err := os.WriteFile(path, []byte(r.URL+"\n"), 0o600); err != nil {
			return r, err
		}
	}
	return r, nil
}

// stopRegistry ends the registry when a test has started it.
func stopRegistry() {
	if registries.r != nil {
		registries.r.stop()
	}
}

// Write lets the other client write its messages of a kind to the case's topic: avro, protobuf or jsonschema.
func (r *Registry) Write(c *Case, kind string) {
	c.T.Helper()
	script := filepath.Join(built.Root(), "test", "e2e", "testdata", "registry", "write.py")
	out, err := exec.Command(r.python, script, c.Broker.Addr, r.URL, c.Topic, kind).CombinedOutput()
	if err != nil {
		c.T.Fatalf("write.py %s: %v\n%s", kind, err, out)
	}
	if text := strings.TrimSpace(string(out)); text != "" {
		c.T.Log(text)
	}
}
