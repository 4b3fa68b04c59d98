# Says hello on the enclave's console and waits. No libc: an enclave needs no distribution.
        .globl _start
        .text
_start: mov     $1, %eax                # write(1, text, length)
        mov     $1, %edi
        lea     text(%rip), %rsi
        mov     $length, %edx
        syscall
wait:   mov     $34, %eax               # pause()
        syscall
        jmp     wait
        .section .rodata
text:   .ascii  "hello from an enclave\n"
        .set    length, . - text
        .section .note.GNU-stack, "", @progbits
