package cases

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// Whole gives whole numbers, among them many that repeat and the two ends.
func Whole(low, high int64) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		n := rapid.OneOf(rapid.Int64Range(low, high), rapid.Int64Range(0, 5), rapid.SampledFrom([]int64{low, high, max(low, -1)})).Draw(t, "n")
		return fmt.Sprint(n)
	})
}

// Decimals are numbers of DECIMAL(20,4), of both signs.
var Decimals = rapid.Custom(func(t *rapid.T) string {
	sign := rapid.SampledFrom([]string{"", "-"}).Draw(t, "sign")
	return fmt.Sprintf("%s%d.%04d", sign, rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(0, 9999999999999999)).Draw(t, "whole"), rapid.IntRange(0, 9999).Draw(t, "part"))
})

// Dates are days of the calendar from the year low to the year 9999.
func Dates(low int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("'%04d-%02d-%02d'", rapid.IntRange(low, 9999).Draw(t, "y"), rapid.IntRange(1, 12).Draw(t, "m"), rapid.IntRange(1, 28).Draw(t, "d"))
	})
}

// Instants are dates with a time of day, of the years given.
func Instants(years ...int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("'%04d-01-02 03:04:%02d.%06d'", rapid.SampledFrom(years).Draw(t, "y"), rapid.IntRange(0, 59).Draw(t, "s"), rapid.IntRange(0, 999999).Draw(t, "us"))
	})
}

// Texts are empty, quoted, of both cases, with accents, of many bytes, with blanks at the end, with characters that stand for
// others in LIKE, and such that collations order in ways of their own.
var Texts = rapid.Custom(func(t *rapid.T) string {
	s := rapid.OneOf(
		rapid.StringMatching(`[A-Za-z' \\%_"-]{0,6}`),
		rapid.StringMatching(`user-[0-9]{3}`),
		rapid.StringMatching(`[aAäÄáÁàåæbBßsSzZ]{1,4} ?`),
		rapid.StringMatching(`[あアいイ三二一漢字]{1,3}`),
		rapid.SampledFrom([]string{"", " ", "é", "e", "É", "it's \\", "Ab", "aB", "👩", "👨‍👩‍👧", "\t", "ñ", "n", "ij", "IJ", "ﬁ", "fi", "ss", "ß", "İ", "i", "I", "ı", "\u00ad", "a\u0301", "á"}),
	).Draw(t, "text")
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
})

// Small are a few numbers for columns that cannot be cut and are read all the same.
var Small = rapid.Custom(func(t *rapid.T) string { return fmt.Sprint(rapid.IntRange(-5, 5).Draw(t, "n")) })
