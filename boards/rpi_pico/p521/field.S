// The field of P-521 (integers mod p = 2^521 - 1) for a Cortex-M0+, which multiplies 32 x 32 bits to 32 and no more.
//
// An element is 17 words of 32 bits, least significant first, and always below p. Results may be their own operands.
// The time depends on no value: no branch and no address is made of data.
//
// The product of the lower 16 words is made of nine products of four words (Karatsuba twice, with differences), these column
// by column; the ninth bit and up (word 16) is multiplied in one pass of its own.
    .syntax unified
    .cpu cortex-m0plus
    .thumb
    .text

// -- columns. r3 to r7 are working registers, the three words of the column's sum are arguments.

// r3:r7 = word at sp + a times word at sp + b
.macro product a, b
    ldr r3, [sp, #\a]
    ldr r4, [sp, #\b]
    uxth r5, r3
    uxth r6, r4
    lsrs r3, r3, #16
    lsrs r4, r4, #16
    mov r7, r5
    muls r7, r6, r7
    muls r5, r4, r5
    muls r6, r3, r6
    muls r3, r4, r3
    movs r4, #0
    adds r5, r5, r6
    adcs r4, r4
    lsls r4, r4, #16
    adds r3, r3, r4
    lsrs r6, r5, #16
    lsls r5, r5, #16
    adds r7, r7, r5
    adcs r3, r6
.endm

// r3:r7 = word at sp + a, squared
.macro square a
    ldr r3, [sp, #\a]
    uxth r7, r3
    lsrs r3, r3, #16
    mov r5, r7
    muls r5, r3, r5
    muls r7, r7, r7
    muls r3, r3, r3
    lsrs r6, r5, #15
    lsls r5, r5, #17
    adds r7, r7, r5
    adcs r3, r6
.endm

// c2:c1:c0 += r3:r7
.macro gather c0, c1, c2
    movs r4, #0
    adds \c0, \c0, r7
    adcs \c1, r3
    adcs \c2, r4
.endm

.macro gather_twice c0, c1, c2
    gather \c0, \c1, \c2
    adds \c0, \c0, r7
    adcs \c1, r3
    adcs \c2, r4
.endm

// Word 0 of the result; r1, r2, r0 become the sum of the next column.
.macro put_first
    mov r4, r8
    str r7, [r4]
    mov r1, r3
    movs r2, #0
    movs r0, #0
.endm

// Word i of the result, which r8 points to.
.macro put i, c
    mov r7, r8
    str \c, [r7, #4 * \i]
.endm

.macro times i, j, c0, c1, c2
    product 4 * \i, 16 + 4 * \j
    gather \c0, \c1, \c2
.endm

.macro twice i, j, c0, c1, c2
    product 4 * \i, 4 * \j
    gather_twice \c0, \c1, \c2
.endm

.macro once i, c0, c1, c2
    square 4 * \i
    gather \c0, \c1, \c2
.endm

// Eight words at r8 = four at sp times four at sp + 16. Leaves r8 to r11.
    .thumb_func
    .type mul4, %function
mul4:
    product 0, 16
    put_first
    times 0, 1, r1, r2, r0
    times 1, 0, r1, r2, r0
    put 1, r1
    movs r1, #0
    times 0, 2, r2, r0, r1
    times 1, 1, r2, r0, r1
    times 2, 0, r2, r0, r1
    put 2, r2
    movs r2, #0
    times 0, 3, r0, r1, r2
    times 1, 2, r0, r1, r2
    times 2, 1, r0, r1, r2
    times 3, 0, r0, r1, r2
    put 3, r0
    movs r0, #0
    times 1, 3, r1, r2, r0
    times 2, 2, r1, r2, r0
    times 3, 1, r1, r2, r0
    put 4, r1
    movs r1, #0
    times 2, 3, r2, r0, r1
    times 3, 2, r2, r0, r1
    put 5, r2
    product 12, 28
    adds r0, r0, r7
    adcs r1, r3
    put 6, r0
    str r1, [r7, #28]
    bx lr
    .size mul4, . - mul4

// Eight words at r8 = four at sp, squared. Leaves r8 to r11.
    .thumb_func
    .type sqr4, %function
sqr4:
    square 0
    put_first
    twice 0, 1, r1, r2, r0
    put 1, r1
    movs r1, #0
    twice 0, 2, r2, r0, r1
    once 1, r2, r0, r1
    put 2, r2
    movs r2, #0
    twice 0, 3, r0, r1, r2
    twice 1, 2, r0, r1, r2
    put 3, r0
    movs r0, #0
    twice 1, 3, r1, r2, r0
    once 2, r1, r2, r0
    put 4, r1
    movs r1, #0
    twice 2, 3, r2, r0, r1
    put 5, r2
    square 12
    adds r0, r0, r7
    adcs r1, r3
    put 6, r0
    str r1, [r7, #28]
    bx lr
    .size sqr4, . - sqr4

// -- Karatsuba

// r1: 2 h words x, r2: where |lower half of x - its upper half| goes. r0: all ones if that was negative. r2 goes on.
.macro distance h
    movs r3, r1
    adds r3, r3, #4 * \h
    ldmia r1!, {r4, r5}
    ldmia r3!, {r6, r7}
    subs r4, r4, r6
    sbcs r5, r7
    stmia r2!, {r4, r5}
  .rept \h / 2 - 1
    ldmia r1!, {r4, r5}
    ldmia r3!, {r6, r7}
    sbcs r4, r6
    sbcs r5, r7
    stmia r2!, {r4, r5}
  .endr
    sbcs r0, r0
    subs r2, r2, #4 * \h
    movs r6, #0
    lsrs r7, r0, #1
  .rept \h / 2
    ldr r4, [r2]
    ldr r5, [r2, #4]
    eors r4, r0
    eors r5, r0
    adcs r4, r6
    adcs r5, r6
    stmia r2!, {r4, r5}
  .endr
.endm

// r1: 4 h words, the products of the lower halves and of the upper halves. r2: 2 h words, the product of the distances, which
// is taken away if r0 is all ones and added if it is 0. The sum of the three is added h words up.
.macro combine h
    lsrs r3, r0, #1
  .rept \h
    ldmia r1!, {r3, r4}
    ldr r5, [r2]
    ldr r6, [r2, #4]
    eors r5, r0
    eors r6, r0
    adcs r5, r3
    adcs r6, r4
    stmia r2!, {r5, r6}
  .endr
    movs r7, #0
    adcs r7, r7
    adds r7, r7, r0
    subs r2, r2, #8 * \h
    adds r7, r7, #0
  .rept \h
    ldmia r1!, {r3, r4}
    ldr r5, [r2]
    ldr r6, [r2, #4]
    adcs r5, r3
    adcs r6, r4
    stmia r2!, {r5, r6}
  .endr
    movs r3, #0
    adcs r7, r3
    subs r1, r1, #12 * \h
    subs r2, r2, #8 * \h
    adds r7, r7, #0
  .rept \h
    ldr r3, [r1]
    ldr r4, [r1, #4]
    ldmia r2!, {r5, r6}
    adcs r3, r5
    adcs r4, r6
    stmia r1!, {r3, r4}
  .endr
    movs r5, #0
    adcs r7, r5
    ldr r3, [r1]
    ldr r4, [r1, #4]
    adds r3, r3, r7
    adcs r4, r5
    stmia r1!, {r3, r4}
  .rept \h / 2 - 1
    ldr r3, [r1]
    ldr r4, [r1, #4]
    adcs r3, r5
    adcs r4, r5
    stmia r1!, {r3, r4}
  .endr
    bx lr
.endm

    .thumb_func
    .type combine4, %function
combine4:
    combine 4
    .size combine4, . - combine4

    .thumb_func
    .type combine8, %function
combine8:
    combine 8
    .size combine8, . - combine8

    .thumb_func
    .type distance8, %function
distance8:
    distance 8
    bx lr
    .size distance8, . - distance8

// r0: 16 words = 8 words at r1 times 8 words at r2. Leaves r10, r11. Stack: two operands and a product of four words.
    .thumb_func
    .type mul8, %function
mul8:
    push {r0, r1, r2, lr}
    sub sp, #64
    mov r8, r0
    mov r0, sp
    ldmia r1!, {r3, r4, r5, r6}
    stmia r0!, {r3, r4, r5, r6}
    ldmia r2!, {r3, r4, r5, r6}
    stmia r0!, {r3, r4, r5, r6}
    bl mul4
    ldr r0, [sp, #64]
    ldr r1, [sp, #68]
    ldr r2, [sp, #72]
    adds r0, r0, #32
    mov r8, r0
    adds r1, r1, #16
    adds r2, r2, #16
    mov r0, sp
    ldmia r1!, {r3, r4, r5, r6}
    stmia r0!, {r3, r4, r5, r6}
    ldmia r2!, {r3, r4, r5, r6}
    stmia r0!, {r3, r4, r5, r6}
    bl mul4
    ldr r1, [sp, #68]
    mov r2, sp
    distance 4
    mov r9, r0
    ldr r1, [sp, #72]
    distance 4
    mov r1, r9
    eors r0, r1
    mvns r0, r0
    mov r9, r0
    add r0, sp, #32
    mov r8, r0
    bl mul4
    mov r0, r9
    ldr r1, [sp, #64]
    add r2, sp, #32
    bl combine4
    add sp, #76
    pop {pc}
    .size mul8, . - mul8

// r0: 16 words = 8 words at r1, squared. Leaves r9 to r11.
    .thumb_func
    .type sqr8, %function
sqr8:
    push {r0, r1, lr}
    sub sp, #48
    mov r8, r0
    mov r0, sp
    ldmia r1!, {r3, r4, r5, r6}
    stmia r0!, {r3, r4, r5, r6}
    bl sqr4
    ldr r0, [sp, #48]
    ldr r1, [sp, #52]
    adds r0, r0, #32
    mov r8, r0
    adds r1, r1, #16
    mov r0, sp
    ldmia r1!, {r3, r4, r5, r6}
    stmia r0!, {r3, r4, r5, r6}
    bl sqr4
    ldr r1, [sp, #52]
    mov r2, sp
    distance 4
    add r0, sp, #16
    mov r8, r0
    bl sqr4
    movs r0, #0
    mvns r0, r0
    ldr r1, [sp, #48]
    add r2, sp, #16
    bl combine4
    add sp, #56
    pop {pc}
    .size sqr8, . - sqr8

// -- the field

// Frame of the two products: 34 words of product, two operands and a product of eight words; above it r0 to r2.
    .equ W, 0
    .equ D, 136
    .equ M, 200
    .equ SAVED, 264

.macro enter
    push {r4, r5, r6, r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r4, r5, r6, r7}
    push {r0, r1, r2}
    sub sp, #SAVED
.endm

// void p521_mul(uint32_t r[17], const uint32_t a[17], const uint32_t b[17]): r = a b
    .global p521_mul
    .thumb_func
    .type p521_mul, %function
p521_mul:
    enter
    mov r0, sp
    bl mul8
    add r0, sp, #W + 64
    ldr r1, [sp, #SAVED + 4]
    ldr r2, [sp, #SAVED + 8]
    adds r1, r1, #32
    adds r2, r2, #32
    bl mul8
    ldr r1, [sp, #SAVED + 4]
    add r2, sp, #D
    bl distance8
    mov r10, r0
    ldr r1, [sp, #SAVED + 8]
    bl distance8
    mov r1, r10
    eors r0, r1
    mvns r0, r0
    mov r10, r0
    add r0, sp, #M
    add r1, sp, #D
    add r2, sp, #D + 32
    bl mul8
    mov r0, r10
    mov r1, sp
    add r2, sp, #M
    bl combine8

    // Words 16 up: a16 b + b16 a, both of the lower 16 words. r8: a16, r9: b16, r10: carry, r11: end of a.
    add r0, sp, #W + 64
    ldr r1, [sp, #SAVED + 4]
    ldr r2, [sp, #SAVED + 8]
    movs r3, #64
    ldr r4, [r1, r3]
    mov r8, r4
    ldr r4, [r2, r3]
    mov r9, r4
    adds r3, r3, r1
    mov r11, r3
    movs r3, #0
    mov r10, r3
1:  ldmia r1!, {r4}
    uxth r5, r4
    lsrs r4, r4, #16
    mov r3, r9
    muls r5, r3, r5
    muls r4, r3, r4
    ldmia r2!, {r6}
    uxth r7, r6
    lsrs r6, r6, #16
    mov r3, r8
    muls r7, r3, r7
    muls r6, r3, r6
    adds r5, r5, r7
    adds r4, r4, r6
    mov r3, r10
    adds r5, r5, r3
    movs r7, #0
    lsls r6, r4, #16
    lsrs r4, r4, #16
    adds r5, r5, r6
    adcs r4, r7
    ldr r6, [r0]
    adds r5, r5, r6
    adcs r4, r7
    stmia r0!, {r5}
    mov r10, r4
    cmp r1, r11
    bne 1b
    mov r3, r8
    mov r5, r9
    muls r3, r5, r3
    adds r4, r4, r3
    b fold
    .size p521_mul, . - p521_mul

// void p521_sqr(uint32_t r[17], const uint32_t a[17]): r = a a
    .global p521_sqr
    .thumb_func
    .type p521_sqr, %function
p521_sqr:
    enter
    mov r0, sp
    bl sqr8
    add r0, sp, #W + 64
    ldr r1, [sp, #SAVED + 4]
    adds r1, r1, #32
    bl sqr8
    ldr r1, [sp, #SAVED + 4]
    add r2, sp, #D
    bl distance8
    add r0, sp, #M
    add r1, sp, #D
    bl sqr8
    movs r0, #0
    mvns r0, r0
    mov r1, sp
    add r2, sp, #M
    bl combine8

    // Words 16 up: 2 a16 a. r2: 2 a16, r3: carry, r8: end of a.
    add r0, sp, #W + 64
    ldr r1, [sp, #SAVED + 4]
    movs r3, #64
    ldr r2, [r1, r3]
    lsls r2, r2, #1
    adds r3, r3, r1
    mov r8, r3
    movs r3, #0
    movs r7, #0
1:  ldmia r1!, {r4}
    uxth r5, r4
    lsrs r4, r4, #16
    muls r5, r2, r5
    muls r4, r2, r4
    adds r5, r5, r3
    lsls r6, r4, #16
    lsrs r3, r4, #16
    adds r5, r5, r6
    adcs r3, r7
    ldr r6, [r0]
    adds r5, r5, r6
    adcs r3, r7
    stmia r0!, {r5}
    cmp r1, r8
    bne 1b
    lsrs r4, r2, #1
    muls r4, r4, r4
    adds r4, r4, r3
    .size p521_sqr, . - p521_sqr

// The end of both products. r0: where word 32 of the product goes, r4: that word. 2^521 = 1: what stands above bit 521 is added
// to what stands below.
    .thumb_func
    .type fold, %function
fold:
    movs r5, #0
    stmia r0!, {r4, r5}
    add r0, sp, #W + 64
    add r1, sp, #D
    ldmia r0!, {r3}
    lsrs r2, r3, #9
    lsls r3, r3, #23
    lsrs r3, r3, #23
    str r3, [sp, #W + 64]
  .rept 17
    ldmia r0!, {r3}
    lsls r4, r3, #23
    orrs r4, r2
    stmia r1!, {r4}
    lsrs r2, r3, #9
  .endr
    ldr r0, [sp, #SAVED]
    mov r1, sp
    add r2, sp, #D
    bl p521_add
    add sp, #SAVED + 12
    pop {r4, r5, r6, r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4, r5, r6, r7, pc}
    .size fold, . - fold

// void p521_add(uint32_t r[17], const uint32_t a[17], const uint32_t b[17]): r = a + b
// a + b + 1, and the 1 is taken away again if it does not carry into bit 521: so p itself becomes 0.
    .global p521_add
    .thumb_func
    .type p521_add, %function
p521_add:
    push {r4, r5, r6, r7, lr}
    mov r12, r0
    movs r3, #1
    lsrs r3, r3, #1
  .rept 8
    ldmia r1!, {r3, r4}
    ldmia r2!, {r5, r6}
    adcs r3, r5
    adcs r4, r6
    stmia r0!, {r3, r4}
  .endr
    ldr r3, [r1]
    ldr r5, [r2]
    adcs r3, r5
    lsrs r4, r3, #10
    b settle
    .size p521_add, . - p521_add

// void p521_sub(uint32_t r[17], const uint32_t a[17], const uint32_t b[17]): r = a - b
    .global p521_sub
    .thumb_func
    .type p521_sub, %function
p521_sub:
    push {r4, r5, r6, r7, lr}
    mov r12, r0
    subs r3, r3, r3
  .rept 8
    ldmia r1!, {r3, r4}
    ldmia r2!, {r5, r6}
    sbcs r3, r5
    sbcs r4, r6
    stmia r0!, {r3, r4}
  .endr
    ldr r3, [r1]
    ldr r5, [r2]
    sbcs r3, r5
    .size p521_sub, . - p521_sub

// One is taken away if C is 0; what the highest word, r3, has above bit 521 goes.
    .thumb_func
    .type settle, %function
settle:
    mov r0, r12
    movs r5, #0
  .rept 8
    ldr r6, [r0]
    ldr r7, [r0, #4]
    sbcs r6, r5
    sbcs r7, r5
    stmia r0!, {r6, r7}
  .endr
    sbcs r3, r5
    lsls r3, r3, #23
    lsrs r3, r3, #23
    str r3, [r0]
    pop {r4, r5, r6, r7, pc}
    .size settle, . - settle
