# Fills a new Request Tracker: a queue and three accounts, of which one may see nothing. Their tokens go into
# the file named as the argument, one `name token` a line.
use strict;
use warnings;
use lib '/usr/share/request-tracker5/lib';
use RT;
RT::LoadConfig();
RT::Init();
use RT::AuthToken;

my $system = RT->SystemUser;

sub sure {
    my ($ok, $message) = @_;
    die $message unless $ok;
}

my $queue = RT::Queue->new($system);
sure($queue->Create(Name => 'Incidents'));

open my $tokens, '>', $ARGV[0] or die $!;
for my $name (qw(root anna stranger)) {
    my $user = RT::User->new($system);
    $user->Load($name);
    sure($user->Create(Name => $name, EmailAddress => "$name\@example.test", Privileged => 1)) unless $user->Id;
    if ($name eq 'anna') {
        for my $right (qw(SeeQueue ShowTicket ShowTicketComments CommentOnTicket CreateTicket ModifyTicket)) {
            sure($user->PrincipalObj->GrantRight(Right => $right, Object => $queue));
        }
    }
    my ($ok, $message, $token) =
        RT::AuthToken->new($system)->Create(Owner => $user->Id, Description => 'lab');
    sure($ok, $message);
    print $tokens "$name $token\n";
}
close $tokens or die $!;
