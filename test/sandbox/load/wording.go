package load

import (
	"fmt"

	"github.com/gx-etl/gx/test/sandbox/release"
)

// wording is an error in the words of the real server, whose capitals and full
// stops clients match on.
type wording string

func (w wording) Error() string { return string(w) }

func inWords(format string, args ...any) error { return wording(fmt.Sprintf(format, args...)) }

// coded is an error of a BE with the name of its status code.
type coded struct {
	code string
	msg  string
}

func (e *coded) Error() string { return e.msg }

func statusf(code, format string, args ...any) *coded {
	return &coded{code: code, msg: fmt.Sprintf(format, args...)}
}

// The status codes of the transaction interface.
const (
	codeOK              = "OK"
	codeFailed          = "FAILED" // of an FE
	codeInvalidArgument = "INVALID_ARGUMENT"
	codeAnalysis        = "ANALYSIS_ERROR"
	codeInternal        = "INTERNAL_ERROR"
	codeNotAuthorized   = "NOT_AUTHORIZED"
	codeAborted         = "ABORTED"
	codeLabelExists     = "LABEL_ALREADY_EXISTS"
	codeNotExists       = "TXN_NOT_EXISTS"
	codeInProcessing    = "TXN_IN_PROCESSING"
	codePublishTimeout  = "PUBLISH_TIMEOUT"
)

// javaDDL and javaUser name the classes that FE answers begin with.
const javaDDL = "com.starrocks.common.DdlException"

// javaUser was renamed in 3.4, by the sources the paper was drawn from.
func javaUser(r release.Release) string {
	if r.AtLeast(3, 4) {
		return "com.starrocks.common.StarRocksException"
	}
	return "com.starrocks.common.UserException"
}

func thrown(class string, err error) string { return "class " + class + ": " + err.Error() }
