#include "textflag.h"

DATA patterns<>+0(SB)/1, $0x22  // "
DATA patterns<>+1(SB)/1, $0x5c  // \
DATA patterns<>+2(SB)/1, $0x7b  // {
DATA patterns<>+3(SB)/1, $0x5b  // [
DATA patterns<>+4(SB)/1, $0x7d  // }
DATA patterns<>+5(SB)/1, $0x20  // the bit between ] and }
GLOBL patterns<>(SB), RODATA|NOPTR, $6

// Bits of the bytes of Y0 and Y1 that equal those of pattern.
#define EQUAL(pattern, low, high) \
	VPCMPEQB  Y0, pattern, Y2  \
	VPCMPEQB  Y1, pattern, Y3  \
	VPMOVMSKB Y2, low          \
	VPMOVMSKB Y3, high         \
	SHLQ      $32, high        \
	ORQ       high, low

// func findAVX2(p *byte, blocks int, out *brackets, c *carry)
//
// The steps are those of findPlain; the parity of the quotes is one carry-less
// multiplication by all ones.
TEXT ·findAVX2(SB), NOSPLIT, $0-32
	MOVQ p+0(FP), SI
	MOVQ blocks+8(FP), CX
	MOVQ out+16(FP), DI
	MOVQ c+24(FP), DX
	MOVQ 0(DX), R8 // inString
	MOVQ 8(DX), R9 // escaped
	MOVQ $0xaaaaaaaaaaaaaaaa, R13

	VPBROADCASTB patterns<>+0(SB), Y5
	VPBROADCASTB patterns<>+1(SB), Y6
	VPBROADCASTB patterns<>+2(SB), Y7
	VPBROADCASTB patterns<>+3(SB), Y8
	VPBROADCASTB patterns<>+4(SB), Y9
	VPBROADCASTB patterns<>+5(SB), Y10
	VPCMPEQB     X11, X11, X11

block:
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	EQUAL(Y5, AX, R10)
	EQUAL(Y6, BX, R11)
	MOVQ    BX, R10
	ORQ     R9, R10
	JNZ     escapes

quotes:
	VMOVQ      AX, X4
	VPCLMULQDQ $0, X11, X4, X4
	VMOVQ      X4, AX
	XORQ       R8, AX
	MOVQ       AX, R8
	SARQ       $63, R8

	EQUAL(Y7, BX, R10)
	ANDNQ BX, AX, BX
	MOVQ  BX, 0(DI)
	EQUAL(Y8, R11, R12)
	ANDNQ R11, AX, R11
	MOVQ  R11, 8(DI)
	VPOR  Y0, Y10, Y0
	VPOR  Y1, Y10, Y1
	EQUAL(Y9, BX, R10)
	ANDNQ BX, AX, BX
	MOVQ  BX, 16(DI)

	ADDQ $64, SI
	ADDQ $24, DI
	DECQ CX
	JNZ  block

	MOVQ R8, 0(DX)
	MOVQ R9, 8(DX)
	VZEROUPPER
	RET

	// AX holds the quotes, BX the backslashes, R10 those and what was escaped
	// from before.
escapes:
	ANDNQ BX, R9, R11
	LEAQ  (R11)(R11*1), R12
	ORQ   R13, R12
	SUBQ  R11, R12
	XORQ  R13, R12
	XORQ  R12, R10
	ANDNQ AX, R10, AX
	MOVQ  R12, R9
	ANDQ  BX, R9
	SHRQ  $63, R9
	JMP   quotes

// func runsAVX2(p *byte, blocks int, d byte) int
TEXT ·runsAVX2(SB), NOSPLIT, $0-32
	MOVQ p+0(FP), SI
	MOVQ blocks+8(FP), CX
	VPBROADCASTB d+16(FP), Y5
	XORQ AX, AX

pair:
	VPCMPEQB  (SI), Y5, Y0
	VPCMPEQB  32(SI), Y5, Y1
	VPCMPEQB  -1(SI), Y5, Y2
	VPCMPEQB  31(SI), Y5, Y3
	VPANDN    Y0, Y2, Y0
	VPANDN    Y1, Y3, Y1
	VPMOVMSKB Y0, BX
	VPMOVMSKB Y1, DX
	SHLQ      $32, DX
	ORQ       DX, BX
	POPCNTQ   BX, BX
	ADDQ      BX, AX
	ADDQ      $64, SI
	DECQ      CX
	JNZ       pair

	VZEROUPPER
	MOVQ AX, ret+24(FP)
	RET

// Ones in the bytes of Y0 and Y1 that equal those of pattern, added to Y2 and Y3.
#define ALSO(pattern) \
	VPCMPEQB Y0, pattern, Y4 \
	VPCMPEQB Y1, pattern, Y5 \
	VPOR     Y4, Y2, Y2      \
	VPOR     Y5, Y3, Y3

// func specialAVX2(p *byte, blocks int, out *uint64, chars *[4]byte)
TEXT ·specialAVX2(SB), NOSPLIT, $0-32
	MOVQ p+0(FP), SI
	MOVQ blocks+8(FP), CX
	MOVQ out+16(FP), DI
	MOVQ chars+24(FP), DX
	VPBROADCASTB 0(DX), Y6
	VPBROADCASTB 1(DX), Y7
	VPBROADCASTB 2(DX), Y8
	VPBROADCASTB 3(DX), Y9

mark:
	VMOVDQU   (SI), Y0
	VMOVDQU   32(SI), Y1
	VPCMPEQB  Y0, Y6, Y2
	VPCMPEQB  Y1, Y6, Y3
	ALSO(Y7)
	ALSO(Y8)
	ALSO(Y9)
	VPMOVMSKB Y2, AX
	VPMOVMSKB Y3, BX
	SHLQ      $32, BX
	ORQ       BX, AX
	MOVQ      AX, (DI)
	ADDQ      $64, SI
	ADDQ      $8, DI
	DECQ      CX
	JNZ       mark

	VZEROUPPER
	RET
