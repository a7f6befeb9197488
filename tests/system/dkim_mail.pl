#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# Mail::DKIM at work on many messages: a peer for the tests of signatures.
#   verify KEYS FILE...                        a line for each: the file, then "pass", "fail" ... for each RSA signature
#   sign HEADER/BODY KEY SELECTOR DOMAIN FILE...  FILE.signed for each
use strict;
use warnings;
use Mail::DKIM::Verifier;
use Mail::DKIM::Signer;

my %records;
{
    no warnings 'redefine';
    package Answer;
    sub new { my ($class, $text) = @_; return bless {text => $text}, $class }
    sub type { return 'TXT' }
    sub char_str_list { return ($_[0]{text}) }
    sub txtdata { return $_[0]{text} }
    package main;
    *Mail::DKIM::DNS::query = sub {
        my ($name) = @_;
        return exists $records{$name} ? (Answer->new($records{$name})) : ();
    };
}

sub slurp {
    my ($path) = @_;
    open my $in, '<:raw', $path or die "$path: $!";
    local $/;
    my $bytes = <$in>;
    close $in;
    return $bytes;
}

my $verb = shift @ARGV;
if ($verb eq 'verify') {
    for (split /\n/, slurp(shift @ARGV)) {
        my ($name, $text) = split ' ', $_, 2;
        $records{$name} = $text;
    }
    for my $path (@ARGV) {
        my $verifier = Mail::DKIM::Verifier->new();
        $verifier->PRINT(slurp($path));
        $verifier->CLOSE;
        print join(' ', $path, map { $_->result } grep { $_->algorithm =~ /^rsa/ } $verifier->signatures), "\n";
    }
} else {
    my ($canon, $key, $selector, $domain, @paths) = @ARGV;
    for my $path (@paths) {
        my $bytes = slurp($path);
        my $signer = Mail::DKIM::Signer->new(Algorithm => 'rsa-sha256', Method => $canon, Domain => $domain,
            Selector => $selector, KeyFile => $key);
        $signer->PRINT($bytes);
        $signer->CLOSE;
        open my $out, '>:raw', "$path.signed" or die "$path: $!";
        print $out $signer->signature->as_string, "\r\n", $bytes;
        close $out;
    }
}
